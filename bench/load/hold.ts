// Sessions that are there and do nothing, with or without a stream each.

import { headerOf } from '../wire.ts';
import { Connection, del, get, post, type Target } from './connection.ts';

/** Opens sessions and keeps them until they are released, in addition to those that are open. */
export interface HoldSpec {
  readonly kind: 'hold';
  readonly target: Target;
  readonly sessions: number;
  /** Whether each session keeps a stream of server messages open. */
  readonly streams: boolean;
}

/** Asks how they are; closes all streams, and leaves the sessions to end with the gateway; or ends all sessions. */
export interface HeldSpec {
  readonly kind: 'held' | 'release' | 'end';
}

/** What is open, and what was closed by the other side. */
export interface Held {
  readonly sessions: number;
  readonly lost: number;
}

const openTimeoutMs = 10_000;
const parallel = 32;
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
});
const initialized = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });

/** Those that are open, each with its header. */
const sessions: Target[] = [];
let lost = 0;
const streams: Connection[] = [];

/** One answer after another over one connection. */
class Asking {
  #answer = Promise.withResolvers<string | null>();
  readonly connection: Connection;

  constructor(port: number) {
    this.connection = new Connection(port, {
      answer: (head, body) => {
        if (head.status >= 200 && head.status < 300) this.#answer.resolve(headerOf(head, 'mcp-session-id'));
        else this.#answer.reject(new Error(`HTTP ${head.status}: ${body}`));
      },
      broken: (reason) => this.#answer.reject(new Error(reason)),
    });
  }

  /** Sends `request` and returns the session that the answer names. */
  ask(request: Buffer): Promise<string | null> {
    this.#answer = Promise.withResolvers();
    this.connection.send(request);
    return this.#answer.promise;
  }
}

/** Opens the stream of a session; resolves once its head is there. */
function openStream(target: Target): Promise<void> {
  const opened = Promise.withResolvers<void>();
  const late = setTimeout(() => opened.reject(new Error('a stream did not open')), openTimeoutMs);
  const connection = new Connection(target.port, {
    head(head) {
      clearTimeout(late);
      if (head.status === 200 && head.isSse) opened.resolve();
      else opened.reject(new Error(`a stream was answered with HTTP ${head.status}`));
    },
    // What comes, comments to keep the stream alive, is nothing to look at.
    piece() {},
    answer() {},
    broken() {
      lost += 1;
    },
  });
  streams.push(connection);
  connection.send(get(target));
  return opened.promise;
}

/** See `HoldSpec`. */
export async function hold(spec: HoldSpec): Promise<Held> {
  await inParallel(
    Array.from({ length: spec.sessions }, () => spec.target),
    async (asking, entry) => {
      const session = await asking.ask(post(entry, initialize));
      if (session === null) throw new Error('initialize opened no session');
      const target = { ...entry, headers: [...entry.headers, `Mcp-Session-Id: ${session}`] };
      await asking.ask(post(target, initialized));
      if (spec.streams) await openStream(target);
      sessions.push(target);
    },
  );
  return held();
}

/** Does the `work` for all targets, of one gateway, over a few connections. */
async function inParallel(
  targets: readonly Target[],
  work: (asking: Asking, target: Target) => Promise<unknown>,
): Promise<void> {
  const left = targets.values();
  const worker = async () => {
    let asking: Asking | null = null;
    for (const target of left) {
      asking ??= new Asking(target.port);
      await work(asking, target);
    }
    asking?.connection.close();
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

/** See `HeldSpec`. */
export const held = (): Held => ({ sessions: sessions.length, lost });

/** See `HeldSpec`. */
export function release(): Held {
  const result = held();
  for (const stream of streams.splice(0)) stream.close();
  sessions.length = 0;
  lost = 0;
  return result;
}

/** See `HeldSpec`. Rejects where a session had ended before. */
export async function end(): Promise<Held> {
  const targets = [...sessions];
  const result = release();
  await inParallel(targets, (asking, target) => asking.ask(del(target)));
  return result;
}
