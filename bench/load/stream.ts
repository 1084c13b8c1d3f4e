// Streamed answers, looked at event by event as they arrive.

import type { Head } from '../wire.ts';
import { eventsOf, firstId, firstTag, idOf, Template, tagOf } from './answers.ts';
import { Connection, post, type Target } from './connection.ts';

/** What to ask for. */
export interface StreamSpec {
  readonly kind: 'stream';
  readonly target: Target;
  /** As in an `AskSpec`; `firstTag` is the progress token, too. */
  readonly message: string;
  /** The length of the result's text. */
  readonly textLength: number;
  readonly connections: number;
  /** A connection whose answer is complete asks again before this time is over. */
  readonly seconds: number;
}

/** What came. A gateway that keeps events to itself has fewer than were sent; a wrong one fails the run. */
export interface StreamResult {
  readonly calls: number;
  readonly seconds: number;
  /** The fewest events, the answer included, that a call brought. */
  readonly leastEvents: number;
  /** From the request to the first event, and to the answer. */
  readonly firstP50Ms: number;
  readonly firstP99Ms: number;
  readonly totalP50Ms: number;
  /** Between an event and the one before. */
  readonly gapMinMs: number;
  readonly gapP50Ms: number;
  readonly gapMaxMs: number;
  readonly cpuUs: number;
}

const answerTimeoutMs = 20_000;
const eventEnd = /\r?\n\r?\n/g;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly progressToken?: unknown; readonly progress?: unknown };
  readonly result?: { readonly content?: readonly { readonly text?: string }[] };
}

/** One call after another over one connection. */
class Listener {
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
  #hasAnswer = false;

  constructor(
    readonly spec: StreamSpec,
    readonly endMs: number,
    readonly nextIndex: () => number,
  ) {
    this.#request = new Template(post(spec.target, spec.message), firstId, firstTag);
    this.#connection = new Connection(spec.target.port, {
      piece: (head, piece) => this.#piece(head, piece),
      answer: (head) => this.#end(head),
      broken: (reason) => this.#fail(reason),
    });
  }

  open = () => this.#connection.open();
  close = () => this.#connection.close();

  ask(): void {
    this.#index = this.nextIndex();
    this.#request.fill(this.#index);
    this.#events = 0;
    this.#text = '';
    this.#hasAnswer = false;
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
      const isRight = progress === this.#events && progressToken === tagOf(this.#index) && !this.#hasAnswer;
      if (!isRight)
        this.#fail(`event ${this.#events} of call ${this.#index} is wrong: ${data.slice(0, 200)}`);
      return;
    }
    const text = message.result?.content?.[0]?.text ?? '';
    this.#hasAnswer =
      message.id === idOf(this.#index) &&
      text.length === this.spec.textLength &&
      text.startsWith(tagOf(this.#index));
    if (!this.#hasAnswer) this.#fail(`the answer to call ${this.#index} is wrong: ${data.slice(0, 200)}`);
  }

  #end(head: Head): void {
    if (head.status === 200 && !head.isSse) this.#event(this.#text);
    if (!this.#hasAnswer) {
      this.#fail(`HTTP ${head.status} without an answer: ${this.#text.slice(0, 200)}`);
      return;
    }
    this.totalsMs.push(performance.now() - this.#sentMs);
    this.leastEvents = Math.min(this.leastEvents, this.#events);
    if (performance.now() < this.endMs) this.ask();
    else this.finished.resolve();
  }

  #fail(reason: string): void {
    this.finished.reject(new Error(reason));
  }
}

/** Asks and listens. Rejects on a wrong or missing answer. */
export async function stream(spec: StreamSpec): Promise<StreamResult> {
  const cpuBefore = process.cpuUsage();
  const beganMs = performance.now();
  let index = 0;
  const listeners = Array.from(
    { length: spec.connections },
    () =>
      new Listener(spec, beganMs + spec.seconds * 1000, () => {
        index += 1;
        return index;
      }),
  );
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error('answers are missing')),
    spec.seconds * 1000 + answerTimeoutMs,
  );
  try {
    for (const listener of listeners) await listener.open();
    for (const listener of listeners) listener.ask();
    await Promise.race([Promise.all(listeners.map(({ finished }) => finished.promise)), late.promise]);
  } finally {
    clearTimeout(timer);
    for (const listener of listeners) listener.close();
  }
  const sorted = (of: (listener: Listener) => readonly number[]) =>
    Float64Array.from(listeners.flatMap(of)).sort();
  const firstsMs = sorted((listener) => listener.firstsMs);
  const totalsMs = sorted((listener) => listener.totalsMs);
  const gapsMs = sorted((listener) => listener.gapsMs);
  const at = (values: Float64Array, share: number) => values[Math.floor(values.length * share)] ?? 0;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    calls: totalsMs.length,
    seconds: (performance.now() - beganMs) / 1000,
    leastEvents: Math.min(...listeners.map((listener) => listener.leastEvents)),
    firstP50Ms: at(firstsMs, 0.5),
    firstP99Ms: at(firstsMs, 0.99),
    totalP50Ms: at(totalsMs, 0.5),
    gapMinMs: gapsMs[0] ?? 0,
    gapP50Ms: at(gapsMs, 0.5),
    gapMaxMs: gapsMs.at(-1) ?? 0,
    cpuUs: cpu.user + cpu.system,
  };
}
