// Measures hostile input: how long it delays /livez, and how much memory it takes.
// Usage: npm run bench:hostile -- [--only TEXT] [--program FILE]. The exit code is 1 if an input exceeds its budget.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Socket } from 'bun';
import { root } from '../scripts/checkout.ts';
import { clientBodies } from './hostile/client-bodies.ts';
import { type HostileResponse, upstreamResponses } from './hostile/upstream-responses.ts';
import {
  endAll,
  freePort,
  type MeasuredProcess,
  measured,
  removeFolders,
  temporaryFolder,
} from './processes.ts';
import { SocketWriter } from './wire.ts';

/** The limits of one input: the delay of /livez, and the growth of the resident memory. */
interface Budget {
  readonly waitMs: number;
  readonly bytes: number;
}
const ofClient: Budget = { waitMs: 300, bytes: 800e6 };
const ofUpstream: Budget = { waitMs: 1_000, bytes: 800e6 };

const startTimeoutMs = 20_000;
const requestTimeoutMs = 60_000;
/** Work may continue after the response. */
const settleMs = 300;
/** Other load on the machine makes an input look worse, so one over its budget is tried again. */
const maxTries = 3;

/** The upstream's name in the configuration. */
const server = 'hostile';

/** A connection from the gateway, and the response being sent on it. */
interface Client {
  text: string;
  readonly writer: SocketWriter;
  source: Generator<Buffer, void> | null;
  isHostile: boolean;
}

/** An MCP server on raw sockets with one hostile response; all others are well-behaved. */
class HostileUpstream {
  readonly #listener;
  answer: HostileResponse | null = null;

  constructor() {
    this.#listener = Bun.listen<Client>({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = { text: '', writer: new SocketWriter(), source: null, isHostile: false };
        },
        data: (socket, bytes) => {
          socket.data.text += bytes.toString('latin1');
          this.#serve(socket);
        },
        drain: (socket) => {
          socket.data.writer.drain(socket);
          this.#pump(socket);
        },
        error() {},
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  stop(): void {
    this.#listener.stop(true);
  }

  #serve(socket: Socket<Client>): void {
    const { data } = socket;
    const end = data.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = data.text.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (data.text.length < end + 4 + length) return;
    const body = data.text.slice(end + 4, end + 4 + length);
    data.text = data.text.slice(end + 4 + length);
    const answer = this.answer;
    data.isHostile = answer !== null && body.includes(`"method":"${answer.to}"`);
    data.source = data.isHostile && answer ? answer.make(idIn(body)) : goodAnswer(head, body);
    this.#pump(socket);
  }

  /** Sends as fast as the gateway reads. */
  #pump(socket: Socket<Client>): void {
    const { data } = socket;
    while (data.source && data.writer.isEmpty) {
      const { done, value } = data.source.next();
      if (done) {
        data.source = null;
        // A hostile response may end only with its connection.
        if (data.isHostile) socket.end();
      } else data.writer.send(socket, value);
    }
  }
}

const results: Readonly<Record<string, string>> = {
  initialize:
    '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"hostile","version":"1"}}',
  'tools/list': '{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}',
  'tools/call': '{"content":[{"type":"text","text":"well"}]}',
};

/** The JSON text of a request's id; empty for a notification. */
function idIn(body: string): string {
  return /"id":(\d+)/.exec(body)?.[1] ?? '';
}

function goodAnswer(head: string, body: string): Generator<Buffer, void> {
  if (!head.startsWith('POST')) return refusal();
  const id = idIn(body);
  if (id === '') return good('', '202 Accepted');
  const method = /"method":"([^"]*)"/.exec(body)?.[1] ?? '';
  return good(`{"jsonrpc":"2.0","id":${id},"result":${results[method] ?? '{}'}}`);
}

function* good(body: string, status = '200 OK'): Generator<Buffer, void> {
  yield Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function* refusal(): Generator<Buffer, void> {
  yield Buffer.from('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n');
}

/** The cost of one input. */
interface Cost {
  readonly waitMs: number;
  readonly bytes: number;
  /** A short description of the response. */
  readonly outcome: string;
}

/** A gateway in front of the hostile upstream, and a thread that polls its /livez. */
class Target {
  readonly #process: MeasuredProcess;
  readonly #origin: string;
  readonly #probe = new Worker(new URL('./hostile/probe.ts', import.meta.url));
  readonly #config: string;
  readonly #upstream: HostileUpstream;
  #generation = 0;

  private constructor(process: MeasuredProcess, config: string, upstream: HostileUpstream) {
    this.#process = process;
    this.#config = config;
    this.#upstream = upstream;
    this.#origin = `http://127.0.0.1:${process.port}`;
  }

  static async start(command: readonly string[], upstream: HostileUpstream): Promise<Target> {
    const port = freePort();
    const folder = temporaryFolder();
    const config = join(folder, 'hostile.yaml');
    const env = { ...process.env, STATE_DIRECTORY: folder };
    const child = () =>
      Bun.spawn([...command, '--config', config], { env, stdout: 'ignore', stderr: 'ignore' });
    writeFileSync(config, configText(port, upstream.port, 0));
    const target = new Target(measured(child(), port), config, upstream);
    await target.#recover();
    target.#probe.postMessage({ url: `${target.#origin}/livez` });
    return target;
  }

  get alive(): boolean {
    return this.#process.alive();
  }

  /** Runs `act` and returns its cost. */
  async measure(act: () => Promise<string>): Promise<Cost> {
    this.#process.resetPeak();
    const before = this.#process.residentBytes();
    this.#probe.postMessage('reset');
    const outcome = await act();
    await Bun.sleep(settleMs);
    const read = Promise.withResolvers<number>();
    this.#probe.onmessage = ({ data }: MessageEvent<number>) => read.resolve(data);
    this.#probe.postMessage('read');
    const waitMs = await read.promise;
    const bytes = Math.max(0, this.#process.peakBytes() - before);
    this.#upstream.answer = null;
    await this.#recover();
    return { waitMs, bytes, outcome };
  }

  /** Sends a body as a client does; returns the status and length of the response. */
  async post(body: string): Promise<string> {
    try {
      const response = await fetch(`${this.#origin}/mcp`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      let bytes = 0;
      for await (const piece of response.body ?? []) bytes += piece.length;
      return `HTTP ${response.status}, ${bytes} bytes`;
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
  }

  /** Makes the gateway request a hostile response: by calls, or by a new session. */
  async provoke(answer: HostileResponse): Promise<string> {
    this.#upstream.answer = answer;
    if (answer.to === 'tools/call') {
      const calls = Array.from({ length: answer.calls ?? 1 }, () => this.post(echo));
      return [...new Set(await Promise.all(calls))].join('; ');
    }
    this.#generation++;
    writeFileSync(this.#config, configText(this.#process.port, this.#upstream.port, this.#generation));
    await fetch(`${this.#origin}/-/reload`, { method: 'POST' });
    return this.#until(({ state, tools_count, last_error }) => {
      if (state === 'ready') return `${tools_count} tools`;
      return state === 'backoff' ? String(last_error) : null;
    });
  }

  /** Waits until the upstream is connected and a call succeeds. */
  async #recover(): Promise<void> {
    await this.#until(({ connected }) => (connected ? '' : null));
    if (!(await this.post(echo)).startsWith('HTTP 200')) throw new Error('a well-behaved call fails');
    // Replaces a hostile list.
    await fetch(`${this.#origin}/-/reload`, { method: 'POST' });
  }

  async #until(found: (health: Record<string, unknown>) => string | null): Promise<string> {
    const beganMs = performance.now();
    while (performance.now() - beganMs < startTimeoutMs + requestTimeoutMs) {
      const response = await fetch(`${this.#origin}/health`).catch(() => null);
      const { servers = [] } = ((await response?.json()) ?? {}) as { servers?: Record<string, unknown>[] };
      const outcome = servers[0] && found(servers[0]);
      if (typeof outcome === 'string') return outcome;
      await Bun.sleep(20);
    }
    throw new Error('the upstream did not recover');
  }

  async stop(): Promise<void> {
    this.#probe.postMessage('stop');
    this.#probe.terminate();
    await this.#process[Symbol.asyncDispose]();
  }
}

const echo = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${server}__echo","arguments":{}}}`;

function configText(port: number, upstreamPort: number, generation: number): string {
  return JSON.stringify({
    port,
    servers: [
      {
        name: server,
        url: `http://127.0.0.1:${upstreamPort}/mcp`,
        // A secret, so that responses are searched for it; a new one makes the gateway reconnect.
        headers: { 'X-Api-Key': `a-long-secret-${generation}+/="` },
        reconnect: { backoff_base_ms: 50, backoff_max_ms: 200 },
      },
    ],
  });
}

const { values } = parseArgs({ options: { only: { type: 'string' }, program: { type: 'string' } } });
const command =
  values.program === undefined ? [process.execPath, join(root, 'src/main.ts')] : [values.program];
const wanted = (name: string) => values.only === undefined || name.includes(values.only);

const cases = [
  ...clientBodies.map(({ name, make }) => ({
    name: `client: ${name}`,
    budget: ofClient,
    act: (target: Target) => target.post(make()),
  })),
  ...upstreamResponses.map((answer) => ({
    name: `upstream: ${answer.name}`,
    budget: ofUpstream,
    act: (target: Target) => target.provoke(answer),
  })),
].filter(({ name }) => wanted(name));

const upstream = new HostileUpstream();
let target = await Target.start(command, upstream);
let broken = 0;
try {
  console.log(`${'/livez ms'.padStart(9)} ${'MB'.padStart(6)}  input, outcome`);
  for (const { name, budget, act } of cases) {
    let best: Cost | null = null;
    let problem = '';
    for (let tries = 0; tries < maxTries; tries++) {
      try {
        const cost = await target.measure(() => act(target));
        const keeps = cost.waitMs <= budget.waitMs && cost.bytes <= budget.bytes;
        if (best === null || cost.waitMs < best.waitMs) best = cost;
        problem = keeps ? '' : 'OVER BUDGET';
      } catch (error) {
        problem = `FAILED: ${(error as Error).message}`;
      }
      if (problem === '') break;
      // Leftovers of one input must not count for the next.
      await target.stop();
      upstream.answer = null;
      target = await Target.start(command, upstream);
    }
    if (problem !== '') broken++;
    const ms = best ? best.waitMs.toFixed(0) : '–';
    const mb = best ? (best.bytes / 1e6).toFixed(0) : '–';
    const outcome = [best?.outcome, problem].filter(Boolean).join('; ');
    console.log(`${ms.padStart(9)} ${mb.padStart(6)}  ${name}: ${outcome}`);
  }
  console.log(`${cases.length} inputs, ${broken} over budget`);
} finally {
  await target.stop();
  upstream.stop();
  endAll();
  removeFolders();
}
process.exit(broken === 0 ? 0 : 1);
