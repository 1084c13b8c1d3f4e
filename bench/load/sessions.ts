// Idle sessions, each with or without an open stream.

import { callMessage } from '../messages.ts';
import { headerOf } from '../wire.ts';
import { Connection, del, get, post, type Target } from './connection.ts';

/** Opens more sessions and keeps them until they are released. */
export interface HoldSpec {
  readonly kind: 'hold';
  readonly target: Target;
  readonly sessions: number;
  /** Whether each session keeps a stream of server messages open. */
  readonly streams: boolean;
  /** The tool that each session calls once. */
  readonly calls?: string;
}

/** Counts the sessions (`held`), closes all streams and leaves the sessions to the gateway (`release`), or ends them (`end`). */
export interface HeldSpec {
  readonly kind: 'held' | 'release' | 'end';
}

/** The sessions that are open, and the streams that the peer has closed. */
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

/** The open sessions, each with its header. */
const sessions: Target[] = [];
let lost = 0;
const streams: Connection[] = [];

/** Sends one request after another over one connection. */
class SessionClient {
  #response = Promise.withResolvers<string | null>();
  readonly connection: Connection;

  constructor(port: number) {
    this.connection = new Connection(port, {
      response: (head, body) => {
        if (head.status >= 200 && head.status < 300) this.#response.resolve(headerOf(head, 'mcp-session-id'));
        else this.#response.reject(new Error(`HTTP ${head.status}: ${body}`));
      },
      broken: (reason) => this.#response.reject(new Error(reason)),
    });
  }

  /** Sends `request` and resolves to the session that the response names. */
  send(request: Buffer): Promise<string | null> {
    this.#response = Promise.withResolvers();
    this.connection.send(request);
    return this.#response.promise;
  }
}

/** Opens the stream of a session; resolves when its head has arrived. */
function openStream(target: Target): Promise<void> {
  const opened = Promise.withResolvers<void>();
  const late = setTimeout(
    () => opened.reject(new Error('no response to the GET of a stream')),
    openTimeoutMs,
  );
  const connection = new Connection(target.port, {
    head(head) {
      clearTimeout(late);
      if (head.status === 200 && head.isSse) opened.resolve();
      else opened.reject(new Error(`HTTP ${head.status} to the GET of a stream`));
    },
    // Only keep-alive comments arrive.
    piece() {},
    response() {},
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
    async (client, entry) => {
      const session = await client.send(post(entry, initialize));
      if (session === null) throw new Error('initialize opened no session');
      const target = { ...entry, headers: [...entry.headers, `Mcp-Session-Id: ${session}`] };
      await client.send(post(target, initialized));
      if (spec.calls) await client.send(post(target, callMessage(spec.calls, 0)));
      if (spec.streams) await openStream(target);
      sessions.push(target);
    },
  );
  return held();
}

/** Runs `work` for all targets of one gateway over a few connections. */
async function inParallel(
  targets: readonly Target[],
  work: (client: SessionClient, target: Target) => Promise<unknown>,
): Promise<void> {
  const left = targets.values();
  const worker = async () => {
    let client: SessionClient | null = null;
    for (const target of left) {
      client ??= new SessionClient(target.port);
      await work(client, target);
    }
    client?.connection.close();
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

/** See `HeldSpec`. Rejects if a session had ended before. */
export async function end(): Promise<Held> {
  const targets = [...sessions];
  const result = release();
  await inParallel(targets, (client, target) => client.send(del(target)));
  return result;
}
