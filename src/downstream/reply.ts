import type { Place } from '../live-list.ts';
import { type Accepted, jsonType } from '../protocol/headers.ts';
import { sseMessage } from '../protocol/sse.ts';
import { EventStream, streamHeaders } from './event-stream.ts';
import type { Beating, Heartbeat } from './heartbeat.ts';

/** An answer's JSON text; a list's is kept as bytes between two texts, so that it is not encoded each time. */
export type AnswerText =
  | string
  | { readonly before: string; readonly bytes: Uint8Array; readonly after: string };

/** Made once: of a plain object Bun makes these for each response. */
const jsonInit = { headers: new Headers({ 'content-type': jsonType }) };

export interface ReplyOptions {
  readonly accepted: Accepted;
  /** How many answers make up the reply. */
  readonly answers: number;
  /** Whether they go back as an array. */
  readonly batch: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly heartbeat: Heartbeat;
  /** The client closed the stream before its end. */
  readonly onGone: () => void;
  /** The reply takes long and the client accepts no stream that could be kept alive. */
  readonly onLong: () => void;
}

/**
 * The HTTP answer to one POST. Whether it is JSON or a stream is decided as late as can be: it stays open while
 * nothing was sent. A client that accepts both gets JSON when its answers are the first thing that comes, and a
 * stream as soon as something has to be sent before them.
 */
export class Reply implements Beating {
  readonly #options: ReplyOptions;
  readonly #response = Promise.withResolvers<Response>();
  readonly #answers: AnswerText[] = [];
  readonly #beating: Place<Beating>;
  #stream: EventStream | null = null;
  #beats = 0;
  #done = false;

  constructor(options: ReplyOptions) {
    this.#options = options;
    this.#beating = options.heartbeat.add(this);
  }

  /** All answers are there, or the client is gone. */
  get done(): boolean {
    return this.#done;
  }

  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** Sends a message ahead of the answers. To a client that takes no stream it cannot be sent. */
  notify(message: string): Promise<void> | undefined {
    if (this.#done || !this.#options.accepted.sse) return undefined;
    return this.#open().send(sseMessage(message));
  }

  /** Adds an answer; the last one ends the reply. */
  answer(answer: AnswerText): void {
    if (this.#done) return;
    this.#answers.push(answer);
    if (this.#stream) void this.#stream.send(sseMessage(flat(answer)));
    if (this.#answers.length < this.#options.answers) {
      // Others may take long: what is there goes out, unless it has to wait to be part of an array.
      if (!this.#options.accepted.json) this.#open();
      return;
    }
    this.#done = true;
    this.#options.heartbeat.delete(this.#beating);
    if (this.#stream) this.#stream.close();
    else this.#response.resolve(this.#whole());
  }

  /** Keeps a reply alive that takes long: a proxy, or our own server, would take its silence for death. */
  beat(): void {
    this.#beats++;
    const { json, sse } = this.#options.accepted;
    // Where it can only become a stream, there is nothing to wait for.
    if (this.#stream || (json && this.#beats < 2)) return;
    if (sse) this.#open();
    else this.#options.onLong();
  }

  #open(): EventStream {
    if (this.#stream) return this.#stream;
    const { heartbeat, onGone, headers } = this.#options;
    this.#stream = new EventStream(heartbeat, () => {
      if (this.#done) return;
      this.#done = true;
      heartbeat.delete(this.#beating);
      onGone();
    });
    this.#response.resolve(
      new Response(this.#stream.readable, { headers: { ...streamHeaders, ...headers } }),
    );
    for (const answer of this.#answers) void this.#stream.send(sseMessage(flat(answer)));
    return this.#stream;
  }

  /** The answers were the first thing that came: no stream is needed, even to write events. */
  #whole(): Response {
    const { accepted, batch, headers } = this.#options;
    if (!accepted.json) {
      const events = this.#answers.map((answer) => sseMessage(flat(answer))).join('');
      return new Response(events, { headers: headers ? { ...streamHeaders, ...headers } : streamHeaders });
    }
    const init = headers ? { headers: { 'content-type': jsonType, ...headers } } : jsonInit;
    if (batch) return new Response(`[${this.#answers.map(flat).join(',')}]`, init);
    const answer = this.#answers[0] as AnswerText;
    if (typeof answer === 'string') return new Response(answer, init);
    return new Response(
      Buffer.concat([Buffer.from(answer.before), answer.bytes, Buffer.from(answer.after)]),
      init,
    );
  }
}

function flat(answer: AnswerText): string {
  if (typeof answer === 'string') return answer;
  return (
    answer.before +
    Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.length) +
    answer.after
  );
}
