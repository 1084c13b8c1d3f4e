import type { ObjectText } from '../../json/object.ts';
import type { Caller, Channel } from '../../protocol/caller.ts';
import { refusedQuestion } from '../../protocol/questions.ts';
import { Abort } from '../../runtime/abort.ts';
import { sleep } from '../../runtime/deadlines.ts';
import { askUpstream, type InnerAsker } from '../inner-call.ts';

/** The most tasks that one client watches, and the most of all together. */
const defaultMaxPerChannel = 100;
const defaultMaxInAll = 1_000;
/** The pause between two looks at a task: as its server suggests, within these bounds. */
const defaultPollMs = 1_000;
const minPollMs = 50;
const maxPollMs = 60_000;
/** How often in a row a look may fail. */
const maxFailures = 5;
const endedStatuses = ['completed', 'failed', 'cancelled'];

/** A task that a client may see. */
export interface WatchedTask {
  readonly upstream: Parameters<typeof askUpstream>[0];
  /** Its id at the upstream. */
  readonly id: string;
  /** Resolves to what clients get of it. */
  forClient(task: ObjectText): Promise<string>;
}

interface TaskWatchesParts {
  /** The task with an id of a client; null if the client knows no such task. */
  readonly find: (caller: Caller, id: string) => WatchedTask | null;
  readonly maxPerChannel?: number;
  readonly maxInAll?: number;
}

/**
 * Tells clients of changes of tasks on their streams. The gateway looks at the tasks as their servers suggest, because few of them
 * report changes. MCP extension `io.modelcontextprotocol/tasks`, Task Status Notifications.
 */
export class TaskWatches {
  readonly #parts: TaskWatchesParts;
  /** For each channel what ends its watches. */
  readonly #channels = new Map<Channel, Abort>();
  #size = 0;

  constructor(parts: TaskWatchesParts) {
    this.#parts = parts;
  }

  /** The number of watched tasks. */
  get size(): number {
    return this.#size;
  }

  /** Watches tasks until they end or the channel is dropped. Returns the ids that work: of tasks that the client knows. */
  watch(channel: Channel, caller: Caller, ids: readonly string[]): string[] {
    const { find, maxPerChannel = defaultMaxPerChannel, maxInAll = defaultMaxInAll } = this.#parts;
    const closing = new Abort();
    const watched: string[] = [];
    for (const id of ids) {
      if (watched.length >= maxPerChannel || this.#size >= maxInAll) break;
      if (find(caller, id) === null) continue;
      watched.push(id);
      this.#size++;
      void this.#follow(channel, caller, id, closing).finally(() => this.#size--);
    }
    if (watched.length > 0) this.#channels.set(channel, closing);
    return watched;
  }

  /** Ends the watches of a channel, which is closed. */
  drop(channel: Channel): void {
    this.#channels.get(channel)?.abort();
    this.#channels.delete(channel);
  }

  /** Looks at a task until it ends. Does not reject. */
  async #follow(channel: Channel, caller: Caller, id: string, closing: Abort): Promise<void> {
    const asker: InnerAsker = {
      caller,
      ask: ({ method }, done) => done.resolve(refusedQuestion(method, 'no client waits for this request')),
    };
    let last = '';
    let pollMs = minPollMs;
    for (let failures = 0; failures < maxFailures && (await sleep(pollMs, closing)); ) {
      // Each time anew, because a reload may have replaced the upstream.
      const task = this.#parts.find(caller, id);
      const state = await (task && stateOf(task, asker, closing).catch(() => null));
      if (closing.aborted) return;
      if (task === null || state === null || state.error) {
        failures++;
        pollMs = defaultPollMs * 2 ** failures;
        continue;
      }
      failures = 0;
      const text = await task.forClient(state.result);
      if (closing.aborted) return;
      if (text !== last) channel.notify('notifications/tasks', text);
      last = text;
      if (endedStatuses.includes(state.result.string('status') ?? '')) return;
      const wantedMs = state.result.number('pollIntervalMs') ?? defaultPollMs;
      pollMs = Math.min(Math.max(wantedMs, minPollMs), maxPollMs);
    }
  }
}

function stateOf({ upstream, id }: WatchedTask, asker: InnerAsker, signal: Abort) {
  return askUpstream(upstream, asker, 'tasks/get', JSON.stringify({ taskId: id }), signal);
}
