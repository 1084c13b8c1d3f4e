import { type AcceptedTypes, jsonType } from '../protocol/headers.ts';
import type { MessageLog } from '../protocol/message-log.ts';
import { parseMessage } from '../protocol/messages.ts';
import { sseMessage } from '../protocol/sse-codec.ts';
import type { Signal } from '../runtime/abort.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import type { Payload } from '../runtime/owned-bytes.ts';
import type { Call } from './call.ts';
import { EventStream, streamHeaders } from './event-stream.ts';
import type { InFlightReplies } from './in-flight.ts';
import type { KeepAlive, KeepAliveMember } from './keep-alive.ts';
import { bodyOf, type Content, freeAll, lengthOf, OpenBody } from './reply-body.ts';

/** A response serves as the init of others, and Bun takes it over in half the time that it needs for Headers. */
const jsonInit = new Response(null, { headers: { 'content-type': jsonType } });
const streamInit = new Response(null, { headers: streamHeaders });

/** As much of the answers to a batch is held; when there is more, it goes out while others are still to come. */
const maxHeldLength = 1024 * 1024;

/** What a reply has to know of the POST that it answers. */
export interface ReplyTarget {
  readonly accepted: AcceptedTypes;
  /** Aborted when the client goes away. Asked for only when the reply takes a while: to make one costs a lot. */
  readonly signal: Signal;
  /** Takes the answer, which is sent together with others. */
  respond(response: Response): void;
  /** Takes a stream in its place, which begins at once: of what it is to tell, the first is there. */
  stream(response: Response): void;
  /** Called when nothing is awaited any more. */
  ended(): void;
  /** Called when the reply takes long and the client accepts no stream that could be kept alive. */
  onLong(): void;
}

/** What all replies of an endpoint share. */
export interface ReplyParts {
  /** Those that are not done. */
  readonly replies: InFlightReplies;
  /** The streams that are open. */
  readonly streams: KeepAlive;
  /** Is told of each message; absent unless somebody wants to know. */
  readonly messages?: MessageLog | null;
}

/**
 * The HTTP answer to one POST. Whether it is JSON or a stream is decided as late as can be: it stays open while
 * nothing was sent. A client that accepts both gets JSON when its answers are the first thing that comes, and a
 * stream as soon as something has to be sent before them.
 */
export class Reply extends LinkedNode implements KeepAliveMember {
  readonly #parts: ReplyParts;
  readonly #asked: ReplyTarget;
  readonly #headers: Readonly<Record<string, string>> | null;
  /** How many answers are still to come. */
  #missing: number;
  /** The answers to a batch that are there. */
  readonly #answers: Content[] | null;
  /** The first call apart from the rest: most replies have no more. */
  #call: Call | null = null;
  #more: Call[] | null = null;
  #heldLength = 0;
  #stream: EventStream | null = null;
  #array: OpenBody | null = null;
  #beats = 0;
  #done = false;

  /** @param batch how many answers go back as an array, or null for one alone */
  constructor(
    parts: ReplyParts,
    asked: ReplyTarget,
    batch: number | null,
    headers: Readonly<Record<string, string>> | null = null,
  ) {
    super();
    this.#parts = parts;
    this.#asked = asked;
    this.#missing = batch ?? 1;
    this.#answers = batch === null ? null : [];
    this.#headers = headers;
    parts.replies.add(this);
  }

  /** One of the answers is that to `call`. */
  await(call: Call): void {
    if (this.#call === null) this.#call = call;
    else if (this.#more) this.#more.push(call);
    else this.#more = [call];
  }

  /** Gives up when the client goes away, or if it has gone. */
  watchClient(): void {
    const { signal } = this.#asked;
    if (signal.aborted) this.#gone();
    else signal.addEventListener('abort', () => this.#gone(), { once: true });
  }

  /** Whether nothing is awaited any more. */
  get isDone(): boolean {
    return this.#done;
  }

  /** The calls whose answers are still to come. */
  get running(): Call[] {
    const calls = this.#call === null ? [] : [this.#call, ...(this.#more ?? [])];
    return calls.filter((call) => !call.isOver);
  }

  /** Sends a message ahead of the answers. To a client that takes no stream it cannot be sent. */
  notify(message: string): Promise<void> | undefined {
    if (this.#done || !this.#asked.accepted.sse) return undefined;
    this.#parts.messages?.message('to client', parseMessage(message), message.length);
    return this.#open().send(message);
  }

  /** Adds an answer; the last one ends the reply. */
  answer(answer: Content): void {
    if (this.#done) {
      freeAll(answer);
      return;
    }
    this.#missing--;
    if (this.#stream) void this.#stream.send(answer);
    else if (this.#array) this.#array.add([',', ...partsOf(answer)]);
    else if (this.#answers) this.#hold(this.#answers, answer);
    if (this.#missing > 0) return;
    this.#end();
    if (this.#stream) this.#stream.close();
    else if (this.#array) {
      this.#array.add([']']);
      this.#array.end();
    } else this.#respond(this.#answers ?? [answer]);
  }

  /** Keeps one of the answers to a batch, unless it can go out at once: others may take long. */
  #hold(answers: Content[], answer: Content): void {
    answers.push(answer);
    this.#heldLength += lengthOf(answer);
    if (this.#missing === 0) return;
    const { json, sse } = this.#asked.accepted;
    // An array is better sent as a whole, unless it is long.
    if (json && this.#heldLength <= maxHeldLength) return;
    if (sse) this.#open();
    else this.#openArray(answers);
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
    for (const call of this.running) call.abort.abort();
    // It may have gone before it took the stream, which would wait for it.
    this.#stream?.close();
  }

  #end(): void {
    this.#done = true;
    this.#asked.ended();
    this.#parts.replies.delete(this);
  }

  #open(): EventStream {
    if (this.#stream) return this.#stream;
    this.#stream = new EventStream(this.#parts.streams, () => this.#gone());
    this.#asked.stream(new Response(this.#stream.readable, this.#streamInit));
    for (const answer of this.#answers ?? []) void this.#stream.send(answer);
    return this.#stream;
  }

  /** The array of answers as a body that grows, for a client that takes no events. */
  #openArray(answers: readonly Content[]): void {
    this.#array = new OpenBody(() => this.#gone());
    this.#array.add(['[', ...joined(answers)]);
    this.#asked.stream(new Response(this.#array.readable, this.#jsonInit));
  }

  get #streamInit(): ResponseInit {
    return this.#headers ? { headers: { ...streamHeaders, ...this.#headers } } : streamInit;
  }

  get #jsonInit(): ResponseInit {
    return this.#headers ? { headers: { 'content-type': jsonType, ...this.#headers } } : jsonInit;
  }

  /** The answers were the first thing that came: no stream is needed, even to write events that are short. */
  #respond(answers: readonly Content[]): void {
    const { accepted } = this.#asked;
    if (accepted.json) {
      const content = this.#answers ? ['[', ...joined(answers), ']'] : (answers[0] as Content);
      this.#asked.respond(new Response(bodyOf(content), this.#jsonInit));
    } else if (answers.every((answer) => typeof answer === 'string')) {
      this.#asked.respond(new Response(bodyOf(answers.map(sseMessage)), this.#streamInit));
    } else this.#streamed(answers);
  }

  #streamed(answers: readonly Content[]): void {
    const stream = new EventStream(this.#parts.streams, () => {});
    for (const answer of answers) void stream.send(answer);
    stream.close();
    this.#asked.respond(new Response(stream.readable, this.#streamInit));
  }
}

/** The parts of the answers, with commas between them. */
function joined(answers: readonly Content[]): Payload[] {
  return answers.flatMap((answer, index) => (index === 0 ? partsOf(answer) : [',', ...partsOf(answer)]));
}

function partsOf(content: Content): readonly Payload[] {
  return typeof content === 'string' ? [content] : content;
}
