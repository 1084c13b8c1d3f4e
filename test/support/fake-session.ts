import { type LoadedConfig, parseConfig } from '../../src/config/load.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import { ObjectText } from '../../src/json/object.ts';
import type { Kind } from '../../src/protocol/kinds.ts';
import type { ResponseMessage } from '../../src/protocol/messages.ts';
import type { Era } from '../../src/protocol/versions.ts';
import type { Signal } from '../../src/runtime/abort.ts';
import type { Completion } from '../../src/runtime/completion.ts';
import { UpstreamFailure } from '../../src/upstream/failure.ts';
import type { Item } from '../../src/upstream/items/item-list.ts';
import type { UpstreamCall } from '../../src/upstream/pending-request.ts';
import type { SessionEvents, SessionSource, UpstreamSession } from '../../src/upstream/session.ts';

/** The settings of a server, with `changes` to the defaults. */
export function serverConfig(changes: object = {}): ServerConfig {
  const text = JSON.stringify({ servers: [{ name: 'up', url: 'http://127.0.0.1:1/mcp', ...changes }] });
  const { servers } = parseConfig(text, 'test', {}).config as LoadedConfig['config'];
  return servers[0] as ServerConfig;
}

/** An item of that name. */
export function item(name: string): Item {
  const nameText = JSON.stringify(name);
  const [before, after] = ['{"name":', '}'];
  return {
    name,
    nameText,
    before,
    after,
    era: 'legacy',
    adapted: null,
    isRepeatable: false,
    uiUri: null,
    needsTask: false,
  };
}

/** A call that a test answers. */
interface FakeCall extends Completion<ResponseMessage> {
  readonly call: UpstreamCall;
}

/** A session that a test plays. */
export class FakeSession implements UpstreamSession {
  isDeaf = false;
  hasServed = false;
  closedBy: Error | null = null;
  isBusy = false;
  readonly era = 'legacy';
  listTtlMs: number | null = null;
  readonly transportName = 'fake';
  readonly instructions = '';
  readonly capabilities = new ObjectText('{}');
  readonly protocolVersion = '2025-11-25';
  readonly serverInfo = '';
  readonly gateways: readonly string[] = [];
  readonly calls: FakeCall[] = [];
  /** The results of the next listings; by default one item each. */
  readonly lists: (readonly Item[] | Promise<readonly Item[]> | UpstreamFailure)[] = [];
  /** The results of the next checks; by default they pass. */
  readonly checks: (UpstreamFailure | null)[] = [];
  listed = 0;
  checked = 0;
  /** Whether the session was retired, and its upstream notified. */
  retired: boolean | null = null;

  call(call: UpstreamCall, _target: unknown, _timeoutMs: number, done: Completion<ResponseMessage>): void {
    this.calls.push({
      call,
      resolve: (answer) => done.resolve(answer),
      reject: (reason) => done.reject(reason),
    });
  }

  async list(kind: Kind): Promise<Item[]> {
    if (kind !== 'tools') return [];
    this.listed++;
    const list = this.lists.shift() ?? [item('a')];
    if (list instanceof UpstreamFailure) throw list;
    return [...(await list)];
  }

  async subscribe(_uri: string): Promise<void> {}

  unsubscribe(_uri: string): void {}

  notify(): void {}

  async check(): Promise<void> {
    this.checked++;
    const failure = this.checks.shift();
    if (failure) throw failure;
  }

  async retire(_timeoutMs: number, terminate = true): Promise<void> {
    this.retired = terminate;
  }
}

/** A source of fake sessions. */
export class FakeSource implements SessionSource {
  /** The results of the next attempts; by default they succeed. */
  readonly attempts: (FakeSession | UpstreamFailure | Promise<FakeSession>)[] = [];
  readonly opened: FakeSession[] = [];
  events: SessionEvents | null = null;
  tried = 0;
  isClosed = false;

  async open(events: SessionEvents, _signal: Signal, _era?: Era): Promise<UpstreamSession> {
    this.tried++;
    this.events = events;
    const attempt = this.attempts.shift() ?? new FakeSession();
    if (attempt instanceof UpstreamFailure) throw attempt;
    const session = await attempt;
    this.opened.push(session);
    return session;
  }

  async hasNewEra(): Promise<boolean> {
    return false;
  }

  openTimeout(timeoutMs: number): UpstreamFailure {
    return new UpstreamFailure('timeout', `did not initialize within ${timeoutMs / 1000} s`);
  }

  maxOpenMs(connectMs: number): number {
    return connectMs;
  }

  settingsChanged(): void {}

  endProcesses(): void {}
  endWithin(): void {}

  process(): null {
    return null;
  }

  close(): void {
    this.isClosed = true;
  }
}
