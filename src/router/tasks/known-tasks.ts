import type { Caller, Channel } from '../../protocol/caller.ts';

/** The tasks of one generation. There are two: when the second one is full, the first is forgotten. */
const maxTasks = 5_000;

/** The client that made a task. */
interface TaskMaker {
  readonly sessionId: string | null;
  readonly channel: Channel | null;
}

/**
 * Which client has made a task of an upstream that all clients share. At most 10,000 are remembered, the latest of them for sure.
 * A task that is forgotten can still be asked for by its id.
 *
 * Two maps that are dropped as a whole, because a Map keeps deleted entries reachable.
 */
export class KnownTasks {
  #recent = new Map<string, TaskMaker>();
  #older = new Map<string, TaskMaker>();

  /** @param id as clients know it */
  add(id: string, { sessionId, channel }: Caller): void {
    if (this.#recent.size >= maxTasks) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(id, { sessionId, channel });
  }

  /** The channel of the client that made a task. */
  channelOf(id: string): Channel | null {
    return this.#get(id)?.channel ?? null;
  }

  /** Whether a client has made a task in its session. */
  isMaker({ sessionId }: Caller, id: string): boolean {
    return sessionId !== null && this.#get(id)?.sessionId === sessionId;
  }

  #get(id: string): TaskMaker | undefined {
    return this.#recent.get(id) ?? this.#older.get(id);
  }
}
