// Streamed responses, checked event by event as they arrive.

import type { Head } from '../wire.ts';
import { Connection, post, type Target } from './connection.ts';
import { eventsOf, firstId, firstTag, idOf, Template, tagOf } from './responses.ts';

/** The calls to make. */
export interface StreamSpec {
  readonly kind: 'stream';
  readonly target: Target;
  /** As in a `RequestSpec`; `firstTag` is also the progress token. */
  readonly message: string;
  /** The length of the result's text. */
  readonly textLength: number;
  readonly connections: number;
  /** Each connection makes one call after another for this long. */
  readonly seconds: number;
}

/** The result of a run. A gateway that drops events has fewer than were sent; a wrong event fails the run. */
export interface StreamResult {
  readonly calls: number;
  readonly seconds: number;
  /** The fewest events of a call, including its response. */
  readonly leastEvents: number;
  /** From the request to the first event, and to the response. */
  readonly firstP50Ms: number;
  readonly firstP99Ms: number;
  readonly totalP50Ms: number;
  /** Between consecutive events. */
  readonly gapMinMs: number;
  readonly gapP50Ms: number;
  readonly gapMaxMs: number;
  readonly cpuUs: number;
}

const responseTimeoutMs = 20_000;
const eventEnd = /\r?\n\r?\n/g;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly progressToken?: unknown; readonly progress?: unknown };
  readonly result?: { readonly content?: readonly { readonly text?: string }[] };
}

/** Makes one call after another over one connection. */
class StreamClient {
  readonly firstsMs: number[] = [];
  readonly totalsMs: number[] = [];
  readonly gapsMs: number[] = [];
  leastEvents = Number.POSITIVE_INFINITY;
  readonly finished = Promise.withResolvers<void>();
  readonly #connection: Connection;
  readonly #request: Template;
  #index = 0;
  #sentMs = 0;
  #lastMs = 0;
  #events = 0;
  #text = '';
  #hasResponse = false;

  constructor(
    readonly spec: StreamSpec,
    readonly endMs: number,
    readonly nextIndex: () => number,
  ) {
    this.#request = new Template(post(spec.target, spec.message), firstId, firstTag);
    this.#connection = new Connection(spec.target.port, {
      piece: (head, piece) => this.#piece(head, piece),
      response: (head) => this.#end(head),
      broken: (reason) => this.#fail(reason),
    });
  }

  open = () => this.#connection.open();
  close = () => this.#connection.close();

  call(): void {
    this.#index = this.nextIndex();
    this.#request.fill(this.#index);
    this.#events = 0;
    this.#text = '';
    this.#hasResponse = false;
    this.#sentMs = performance.now();
    this.#connection.send(this.#request.bytes);
  }

  #piece(head: Head, piece: Buffer): void {
    this.#text += piece.toString('latin1');
    if (!head.isSse) return;
    let end = 0;
    for (const match of this.#text.matchAll(eventEnd)) end = match.index + match[0].length;
    const complete = this.#text.slice(0, end);
    this.#text = this.#text.slice(end);
    for (const data of eventsOf(complete)) this.#event(data);
  }

  #event(data: string): void {
    const nowMs = performance.now();
    const message = JSON.parse(data) as Message;
    this.#events += 1;
    if (this.#events === 1) this.firstsMs.push(nowMs - this.#sentMs);
    else this.gapsMs.push(nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    if (message.method === 'notifications/progress') {
      const { progress, progressToken } = message.params ?? {};
      const isRight = progress === this.#events && progressToken === tagOf(this.#index) && !this.#hasResponse;
      if (!isRight)
        this.#fail(`event ${this.#events} of call ${this.#index} is wrong: ${data.slice(0, 200)}`);
      return;
    }
    const text = message.result?.content?.[0]?.text ?? '';
    this.#hasResponse =
      message.id === idOf(this.#index) &&
      text.length === this.spec.textLength &&
      text.startsWith(tagOf(this.#index));
    if (!this.#hasResponse) this.#fail(`the response to call ${this.#index} is wrong: ${data.slice(0, 200)}`);
  }

  #end(head: Head): void {
    if (head.status === 200 && !head.isSse) this.#event(this.#text);
    if (!this.#hasResponse) {
      this.#fail(`HTTP ${head.status} without a response: ${this.#text.slice(0, 200)}`);
      return;
    }
    this.totalsMs.push(performance.now() - this.#sentMs);
    this.leastEvents = Math.min(this.leastEvents, this.#events);
    if (performance.now() < this.endMs) this.call();
    else this.finished.resolve();
  }

  #fail(reason: string): void {
    this.finished.reject(new Error(reason));
  }
}

/** Makes the calls. Rejects on a wrong or missing response. */
export async function stream(spec: StreamSpec): Promise<StreamResult> {
  const cpuBefore = process.cpuUsage();
  const beganMs = performance.now();
  let index = 0;
  const clients = Array.from(
    { length: spec.connections },
    () =>
      new StreamClient(spec, beganMs + spec.seconds * 1000, () => {
        index += 1;
        return index;
      }),
  );
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error('responses are missing')),
    spec.seconds * 1000 + responseTimeoutMs,
  );
  try {
    for (const client of clients) await client.open();
    for (const client of clients) client.call();
    await Promise.race([Promise.all(clients.map(({ finished }) => finished.promise)), late.promise]);
  } finally {
    clearTimeout(timer);
    for (const client of clients) client.close();
  }
  const sorted = (of: (client: StreamClient) => readonly number[]) =>
    Float64Array.from(clients.flatMap(of)).sort();
  const firstsMs = sorted((client) => client.firstsMs);
  const totalsMs = sorted((client) => client.totalsMs);
  const gapsMs = sorted((client) => client.gapsMs);
  const at = (values: Float64Array, share: number) => values[Math.floor(values.length * share)] ?? 0;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    calls: totalsMs.length,
    seconds: (performance.now() - beganMs) / 1000,
    leastEvents: Math.min(...clients.map((client) => client.leastEvents)),
    firstP50Ms: at(firstsMs, 0.5),
    firstP99Ms: at(firstsMs, 0.99),
    totalP50Ms: at(totalsMs, 0.5),
    gapMinMs: gapsMs[0] ?? 0,
    gapP50Ms: at(gapsMs, 0.5),
    gapMaxMs: gapsMs.at(-1) ?? 0,
    cpuUs: cpu.user + cpu.system,
  };
}
