import { type AcceptedTypes, jsonType } from '../protocol/headers.ts';
import type { MessageLog } from '../protocol/message-log.ts';
import { parseMessage } from '../protocol/messages.ts';
import { sseMessage } from '../protocol/sse-codec.ts';
import type { Signal } from '../runtime/abort.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import type { Payload } from '../runtime/owned-bytes.ts';
import { EventStream, streamHeaders } from './event-stream.ts';
import type { AnswerSource, InFlightReplies, InFlightReply } from './in-flight.ts';
import type { KeepAlive } from './keep-alive.ts';
import { bodyOf, type Content, freeAll, lengthOf, OpenBody } from './reply-body.ts';
import { ResumableStream, type StreamListener } from './resumable-stream.ts';
import type { SessionStreams } from './session-streams.ts';

/** Bun copies the init from a Response in half the time that it takes for Headers. */
const jsonInit = new Response(null, { headers: { 'content-type': jsonType } });
const streamInit = new Response(null, { headers: streamHeaders });

/** The answers to a batch are held up to this length; longer ones are sent while others are pending. */
const maxHeldLength = 1024 * 1024;

/** The POST that a reply answers. */
export interface ReplyTarget {
  readonly accepted: AcceptedTypes;
  /** Aborted when the client disconnects. Read only if the reply takes a while, because the signal is costly to make. */
  readonly signal: Signal;
  /** @param name in lower case */
  header(name: string): string | null;
  /** Sends the response, in one batch with others. */
  respond(response: Response): void;
  /** Sends a stream as the response, at once (docs/performance.md#stream-start). */
  stream(response: Response): void;
  /** Called when the reply has all its answers, or the client is gone. */
  onEnd(): void;
  /** Called when the reply takes long and the client accepts no stream that could be kept alive. */
  onLong(): void;
}

/** The session of a client, whose streams outlive their connections. */
interface ReplySession {
  readonly eventStreams: SessionStreams;
}

/** Shared by all replies of an endpoint. */
export interface ReplyParts {
  /** The replies that are not done. */
  readonly replies: InFlightReplies;
  /** The open streams. */
  readonly streams: KeepAlive;
  /** Logs each message; null unless the level is trace. */
  readonly messages?: MessageLog | null;
}

/**
 * The HTTP response to one POST. It stays undecided between JSON and a stream until something must be sent
 * (docs/performance.md#late-reply). A client that accepts both gets JSON if its answers are ready first, and a stream if
 * something else precedes them.
 */
export class Reply extends LinkedNode implements InFlightReply, StreamListener {
  readonly #parts: ReplyParts;
  readonly #target: ReplyTarget;
  /** The number of answers still to come. */
  #missingAnswers: number;
  /** The answers to a batch so far. */
  readonly #answers: Content[] | null;
  /** Set right after the construction, because a call needs its reply. */
  source: AnswerSource | null = null;
  readonly #session: ReplySession | undefined;
  #heldLength = 0;
  /** Outlives its connection if the client has a session. */
  #stream: EventStream | ResumableStream | null = null;
  /** The connection on which the stream of a session began. */
  #connection: EventStream | null = null;
  #array: OpenBody | null = null;
  #beats = 0;
  #isDone = false;

  /**
   * @param batch the number of answers that are sent as an array, or null for one that is not
   * @param session of the client, which may come back then; undefined if it has none
   */
  constructor(parts: ReplyParts, target: ReplyTarget, batch: number | null = null, session?: ReplySession) {
    super();
    this.#session = session;
    this.#parts = parts;
    this.#target = target;
    this.#missingAnswers = batch ?? 1;
    this.#answers = batch === null ? null : [];
    parts.replies.add(this);
  }

  /** Ends the reply when the client disconnects, or now if it is gone already. */
  watchClient(): void {
    const { signal } = this.#target;
    if (signal.aborted) this.#onClientGone();
    else signal.addEventListener('abort', () => this.#onClientGone(), { once: true });
  }

  /** A header of the request that it answers. @param name in lower case */
  header(name: string): string | null {
    return this.#target.header(name);
  }

  /** Whether the client can be sent something ahead of the answers. */
  get takesMessages(): boolean {
    return !this.#isDone && this.#target.accepted.sse;
  }

  /** Sends a message ahead of the answers, unless the client accepts no stream. */
  notify(message: string): Promise<void> | undefined {
    if (!this.takesMessages) return undefined;
    this.#parts.messages?.message('to client', parseMessage(message), message.length);
    return send(this.#open(), message, 'notification');
  }

  /** Sends a request to the client of a session, ahead of the answers. Returns as {@link ResumableStream.ask}. */
  ask(message: string): number | null {
    if (!this.takesMessages) return null;
    this.#parts.messages?.message('to client', parseMessage(message), message.length);
    const stream = this.#open();
    return stream instanceof ResumableStream ? stream.ask(message) : null;
  }

  /** Does not send an event again. */
  forget(event: number): void {
    if (this.#stream instanceof ResumableStream) this.#stream.forget(event);
  }

  /**
   * Adds an answer; the last one ends the reply.
   * @param status the HTTP status, if the response has not begun; another one than 200 makes it JSON
   */
  answer(answer: Content, status = 200): void {
    if (this.#isDone) {
      freeAll(answer);
      return;
    }
    this.#missingAnswers--;
    if (this.#stream) void send(this.#stream, answer, 'answer');
    else if (this.#array) this.#array.add([',', ...partsOf(answer)]);
    else if (this.#answers) this.#hold(this.#answers, answer);
    if (this.#missingAnswers > 0) return;
    this.#end();
    if (this.#stream) this.#stream.close();
    else if (this.#array) {
      this.#array.add([']']);
      this.#array.end();
    } else if (status === 200) this.#respond(answer);
    else
      this.#target.respond(new Response(bodyOf(answer), { status, headers: { 'content-type': jsonType } }));
  }

  /** Holds an answer to a batch until the others are there, unless there is too much to hold. */
  #hold(answers: Content[], answer: Content): void {
    answers.push(answer);
    this.#heldLength += lengthOf(answer);
    if (this.#missingAnswers === 0) return;
    const { json, sse } = this.#target.accepted;
    if (json && this.#heldLength <= maxHeldLength) return;
    if (sse) this.#open();
    else this.#openArray(answers);
  }

  /** Keeps a slow reply alive: proxies and our own server close idle connections. */
  beat(): void {
    this.#beats++;
    const { json, sse } = this.#target.accepted;
    // A client that accepts only a stream gets it on the first tick.
    if (this.#stream || (json && this.#beats < 2)) return;
    if (sse) this.#open();
    else this.#target.onLong();
  }

  /** The client is disconnected. Within a session, its calls go on. */
  #onClientGone(): void {
    if (this.#isDone) return;
    if (this.#session === undefined) this.onGone();
    else if (this.#connection) this.#connection.disconnect();
    else if (this.#stream === null) {
      for (const answer of this.#answers?.splice(0) ?? []) freeAll(answer);
      this.#stream = this.#session.eventStreams.openLost(this);
    }
  }

  /** The client does not come back. */
  onGone(): void {
    if (this.#isDone) return;
    this.#end();
    this.source?.onReplyGone();
    // The client may be gone before it took the stream, which would wait for it.
    this.#stream?.close();
  }

  #end(): void {
    this.#isDone = true;
    this.#target.onEnd();
    this.#parts.replies.delete(this);
  }

  #open(): EventStream | ResumableStream {
    if (this.#stream) return this.#stream;
    const { streams } = this.#parts;
    let connection: EventStream;
    if (this.#session === undefined) {
      connection = new EventStream(streams, () => this.#onClientGone());
      this.#stream = connection;
    } else {
      this.#stream = this.#session.eventStreams.open('p', streams, this);
      connection = this.#stream.connection as EventStream;
      this.#connection = connection;
    }
    this.#target.stream(new Response(connection.readable, streamInit));
    for (const answer of this.#answers ?? []) void send(this.#stream, answer, 'answer');
    return this.#stream;
  }

  /** Sends the array of answers as a growing body, to a client that accepts no stream. */
  #openArray(answers: readonly Content[]): void {
    this.#array = new OpenBody(() => this.#onClientGone());
    this.#array.add(['[', ...join(answers)]);
    this.#target.stream(new Response(this.#array.readable, jsonInit));
  }

  /** Responds with all answers at once. Short ones need no stream, even as events. */
  #respond(last: Content): void {
    if (this.#target.accepted.json) {
      const content = this.#answers ? ['[', ...join(this.#answers), ']'] : last;
      this.#target.respond(new Response(bodyOf(content), jsonInit));
      return;
    }
    const answers = this.#answers ?? [last];
    if (answers.every((answer) => typeof answer === 'string')) {
      this.#target.respond(new Response(bodyOf(answers.map((answer) => sseMessage(answer))), streamInit));
    } else {
      const stream = new EventStream(this.#parts.streams, () => {});
      for (const answer of answers) void stream.send(answer);
      stream.close();
      this.#target.respond(new Response(stream.readable, streamInit));
    }
  }
}

function send(
  stream: EventStream | ResumableStream,
  message: Content,
  kind: 'notification' | 'answer',
): Promise<void> | undefined {
  return stream instanceof ResumableStream ? stream.send(message, kind) : stream.send(message);
}

/** The parts of all answers, separated by commas. */
function join(answers: readonly Content[]): Payload[] {
  return answers.flatMap((answer, index) => (index === 0 ? partsOf(answer) : [',', ...partsOf(answer)]));
}

function partsOf(content: Content): readonly Payload[] {
  return typeof content === 'string' ? [content] : content;
}
