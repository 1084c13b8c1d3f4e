import type { write } from 'node:fs';
import { Bridge } from '../../src/bridge/bridge.ts';
import type { FindGateway } from '../../src/bridge/gateway-link.ts';
import { MessageOutput } from '../../src/bridge/message-output.ts';
import { usualTimes } from '../../src/bridge/times.ts';
import { waitUntil } from './wait.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes
export type AnyMessage = any;

/** A client on stdio in the test's process, with a bridge to a gateway. */
export interface LineClient extends AsyncDisposable {
  readonly bridge: Bridge;
  /** All messages so far. */
  readonly received: readonly AnyMessage[];
  /** The lines that the bridge has written for people. */
  readonly logs: readonly string[];
  /** Sends a message, or a line as it is. */
  send(message: object | string): Promise<void>;
  /** Sends a request and waits for its response. */
  request(method: string, params?: object, id?: number | string): Promise<AnyMessage>;
  /** Waits for a message. */
  seen(what: string, test: (message: AnyMessage) => boolean): Promise<AnyMessage>;
  /** Opens a session. */
  initialize(capabilities?: object, protocolVersion?: string): Promise<AnyMessage>;
}

interface LineClientOptions {
  readonly find?: FindGateway;
  readonly times?: Partial<typeof usualTimes>;
  /** Takes a while to read, as a client does that is busy. */
  readonly delayMs?: number;
}

/** What a request of the modern era says of its client. */
export const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

export function lineClient(url: string, { find, times, delayMs = 0 }: LineClientOptions = {}): LineClient {
  const received: AnyMessage[] = [];
  const logs: string[] = [];
  let rest = '';
  const take = (
    _fd: number,
    bytes: Buffer,
    at: number,
    length: number,
    _p: null,
    done: (...a: unknown[]) => void,
  ) => {
    const lines = (rest + bytes.subarray(at, at + length).toString()).split('\n');
    rest = lines.pop() ?? '';
    received.push(...lines.map((line) => JSON.parse(line)));
    setTimeout(() => done(null, length), delayMs);
  };
  const output = new MessageOutput(take as unknown as typeof write, () => {});
  const bridge = new Bridge({
    find: find ?? (async () => ({ url, token: null, instance: '', presenceUrl: null })),
    output,
    log: (line) => void logs.push(line),
    times: { ...usualTimes, ...times },
  });
  let ids = 0;
  const send = (message: object | string) =>
    bridge.push(Buffer.from(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`));
  const seen = (what: string, test: (message: AnyMessage) => boolean) =>
    waitUntil(what, () => received.find(test), 20_000);
  const client: LineClient = {
    bridge,
    received,
    logs,
    send,
    seen,
    async request(method, params, id = `r${++ids}`) {
      await send({ jsonrpc: '2.0', id, method, ...(params && { params }) });
      return seen(`the answer to ${method}`, (message) => message.id === id && message.method === undefined);
    },
    async initialize(capabilities = {}, protocolVersion = '2025-11-25') {
      const clientInfo = { name: 'lines', version: '1' };
      const answer = await client.request('initialize', { protocolVersion, capabilities, clientInfo });
      await send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      return answer;
    },
    [Symbol.asyncDispose]: () => bridge.close(),
  };
  return client;
}
