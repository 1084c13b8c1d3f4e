import type { Signal } from '../abort.ts';
import { Listed } from '../live-list.ts';
import { type Accepted, jsonType } from '../protocol/headers.ts';
import { sseMessage } from '../protocol/sse.ts';
import { bodyOf, type Content, textOf } from './body.ts';
import type { Call } from './call.ts';
import { EventStream, streamHeaders } from './event-stream.ts';
import type { Beating, Heartbeat } from './heartbeat.ts';
import type { Replies } from './replies.ts';

/** Made once: of a plain object Bun makes these for each response. */
const jsonInit = { headers: new Headers({ 'content-type': jsonType }) };

/** What a reply has to know of the POST that it answers. */
export interface Asked {
  readonly accepted: Accepted;
  /** Aborted when the client goes away. Asked for only when the reply takes a while: to make one costs a lot. */
  readonly signal: Signal;
  /** Called when the reply takes long and the client accepts no stream that could be kept alive. */
  onLong(): void;
}

/** What all replies of an endpoint share. */
export interface ReplyParts {
  /** Those that are not done. */
  readonly replies: Replies;
  /** The streams that are open. */
  readonly streams: Heartbeat;
}

/**
 * The HTTP answer to one POST. Whether it is JSON or a stream is decided as late as can be: it stays open while
 * nothing was sent. A client that accepts both gets JSON when its answers are the first thing that comes, and a
 * stream as soon as something has to be sent before them.
 */
export class Reply extends Listed implements Beating {
  readonly #parts: ReplyParts;
  readonly #asked: Asked;
  readonly #headers: Readonly<Record<string, string>> | null;
  readonly #batch: boolean;
  /** How many answers are still to come. */
  #missing: number;
  /** The JSON texts of the answers that are there. */
  readonly #answers: Content[] = [];
  readonly #calls: Call[] = [];
  #response: Response | null = null;
  #waiting: PromiseWithResolvers<Response> | null = null;
  #stream: EventStream | null = null;
  #beats = 0;
  #done = false;

  /**
   * @param answers how many make up the reply
   * @param batch whether they go back as an array
   */
  constructor(
    parts: ReplyParts,
    asked: Asked,
    answers: number,
    batch: boolean,
    headers: Readonly<Record<string, string>> | null = null,
  ) {
    super();
    this.#parts = parts;
    this.#asked = asked;
    this.#missing = answers;
    this.#batch = batch;
    this.#headers = headers;
    parts.replies.add(this);
  }

  /** To be asked for once. */
  get response(): Response | Promise<Response> {
    if (this.#response) return this.#response;
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** One of the answers is that to `call`. */
  await(call: Call): void {
    this.#calls.push(call);
  }

  /** Gives up when the client goes away, or if it has gone. */
  watchClient(): void {
    const { signal } = this.#asked;
    if (signal.aborted) this.#gone();
    else signal.addEventListener('abort', () => this.#gone(), { once: true });
  }

  /** Cancels the calls whose answers are still to come; an error will be the answer. */
  cancelCalls(): void {
    for (const call of this.#calls) call.abort.abort();
  }

  /** Sends a message ahead of the answers. To a client that takes no stream it cannot be sent. */
  notify(message: string): Promise<void> | undefined {
    if (this.#done || !this.#asked.accepted.sse) return undefined;
    return this.#open().send(sseMessage(message));
  }

  /** Adds an answer; the last one ends the reply. */
  answer(answer: Content): void {
    if (this.#done) return;
    this.#missing--;
    if (this.#stream) void this.#stream.send(sseMessage(flat(answer)));
    else this.#answers.push(answer);
    if (this.#missing > 0) {
      // Others may take long: what is there goes out, unless it has to wait to be part of an array.
      if (!this.#asked.accepted.json) this.#open();
      return;
    }
    this.#end();
    if (this.#stream) this.#stream.close();
    else this.#respond(this.#whole());
  }

  /** Keeps a reply alive that takes long: a proxy, or our own server, would take its silence for death. */
  beat(): void {
    this.#beats++;
    const { json, sse } = this.#asked.accepted;
    // Where it can only become a stream, there is nothing to wait for.
    if (this.#stream || (json && this.#beats < 2)) return;
    if (sse) this.#open();
    else this.#asked.onLong();
  }

  /** There is nobody to reply to any more. */
  #gone(): void {
    if (this.#done) return;
    this.#end();
    this.cancelCalls();
    // It may have gone before it took the stream, which would wait for it.
    this.#stream?.close();
  }

  #end(): void {
    this.#done = true;
    this.#parts.replies.delete(this);
  }

  #respond(response: Response): void {
    if (this.#waiting) this.#waiting.resolve(response);
    else this.#response = response;
  }

  #open(): EventStream {
    if (this.#stream) return this.#stream;
    this.#stream = new EventStream(this.#parts.streams, () => this.#gone());
    this.#respond(new Response(this.#stream.readable, { headers: { ...streamHeaders, ...this.#headers } }));
    for (const answer of this.#answers) void this.#stream.send(sseMessage(flat(answer)));
    return this.#stream;
  }

  /** The answers were the first thing that came: no stream is needed, even to write events. */
  #whole(): Response {
    const headers = this.#headers;
    if (!this.#asked.accepted.json) {
      const init = { headers: headers ? { ...streamHeaders, ...headers } : streamHeaders };
      return new Response(bodyOf(this.#answers.map((answer) => sseMessage(flat(answer)))), init);
    }
    const init = headers ? { headers: { 'content-type': jsonType, ...headers } } : jsonInit;
    if (this.#batch) return new Response(bodyOf(`[${this.#answers.map(flat).join(',')}]`), init);
    return new Response(bodyOf(this.#answers[0] as Content), init);
  }
}

function flat(content: Content): string {
  return typeof content === 'string' ? content : content.map(textOf).join('');
}
