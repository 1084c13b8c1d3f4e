// Measures hostile input: how long it keeps /livez waiting, and how much memory it takes.
// Usage: npm run bench:hostile -- [--only TEXT] [--program FILE]. Exit code 1 where a budget is broken.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Socket } from 'bun';
import { root } from '../scripts/checkout.ts';
import { clientBodies } from './hostile/client-bodies.ts';
import { type HostileAnswer, upstreamAnswers } from './hostile/upstream-answers.ts';
import { endAll, freePort, type Measured, measured, removeFolders, temporaryFolder } from './processes.ts';
import { Outgoing } from './wire.ts';

/** The most that one input may cost: how long /livez waits, and the memory beyond what was resident before. */
interface Budget {
  readonly waitMs: number;
  readonly bytes: number;
}
const ofClient: Budget = { waitMs: 300, bytes: 800e6 };
const ofUpstream: Budget = { waitMs: 1_000, bytes: 800e6 };

const startTimeoutMs = 20_000;
const requestTimeoutMs = 60_000;
/** Work may go on when the answer has left. */
const settleMs = 300;
/** Other load on the machine makes a case look worse than it is, so a failed case is tried again, at most so often. */
const maxTries = 3;

/** The name of the upstream in the configuration. */
const server = 'hostile';

/** A connection of the gateway, and the answer that is on its way there. */
interface Client {
  text: string;
  readonly outgoing: Outgoing;
  source: Generator<Buffer, void> | null;
  isHostile: boolean;
}

/** An MCP server on raw sockets that gives one hostile answer, and good ones to all else. */
class HostileUpstream {
  readonly #listener;
  answer: HostileAnswer | null = null;

  constructor() {
    this.#listener = Bun.listen<Client>({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = { text: '', outgoing: new Outgoing(), source: null, isHostile: false };
        },
        data: (socket, bytes) => {
          socket.data.text += bytes.toString('latin1');
          this.#serve(socket);
        },
        drain: (socket) => {
          socket.data.outgoing.drain(socket);
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

  /** Sends on, as fast as the gateway takes it. */
  #pump(socket: Socket<Client>): void {
    const { data } = socket;
    while (data.source && data.outgoing.isEmpty) {
      const { done, value } = data.source.next();
      if (done) {
        data.source = null;
        // A hostile answer may have no other end than that of its connection.
        if (data.isHostile) socket.end();
      } else data.outgoing.send(socket, value);
    }
  }
}

const results: Readonly<Record<string, string>> = {
  initialize:
    '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"hostile","version":"1"}}',
  'tools/list': '{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}',
  'tools/call': '{"content":[{"type":"text","text":"well"}]}',
};

/** The JSON text of the id of a request; empty where it is none. */
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

/** The cost of one case. */
interface Cost {
  readonly waitMs: number;
  readonly bytes: number;
  /** A short description of the answer. */
  readonly outcome: string;
}

/** A gateway in front of the hostile upstream, with a thread that watches it. */
class Target {
  readonly #process: Measured;
  readonly #origin: string;
  readonly #probe = new Worker(new URL('./hostile/probe.ts', import.meta.url));
  readonly #config: string;
  readonly #upstream: HostileUpstream;
  #generation = 0;

  private constructor(process: Measured, config: string, upstream: HostileUpstream) {
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
    const target = new Target(
      measured(child(), port, () => {}),
      config,
      upstream,
    );
    await target.#well();
    target.#probe.postMessage({ url: `${target.#origin}/livez` });
    return target;
  }

  get alive(): boolean {
    return this.#process.alive();
  }

  /** Runs `act`, and tells what that cost. */
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
    await this.#well();
    return { waitMs, bytes, outcome };
  }

  /** Sends a body as a client does; returns the status of the answer. */
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

  /** Has the gateway meet a hostile answer: by calls, or by a new session. */
  async meet(answer: HostileAnswer): Promise<string> {
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

  /** Waits until the upstream is connected and a call is answered. */
  async #well(): Promise<void> {
    const answered = async () => (await this.post(echo)).startsWith('HTTP 200');
    await this.#until(({ connected }) => (connected ? '' : null));
    if (!(await answered())) throw new Error('a good call is not answered');
    // The list may still be a hostile one, which must not stay.
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
    throw new Error('the upstream did not come back');
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
        // Secrets, so that what comes back is searched for them; a new one has the server opened anew.
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
  ...upstreamAnswers.map((answer) => ({
    name: `upstream: ${answer.name}`,
    budget: ofUpstream,
    act: (target: Target) => target.meet(answer),
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
      // What one case left behind must not count for the next.
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
