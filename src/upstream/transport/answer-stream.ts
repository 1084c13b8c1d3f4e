import { type HttpResponse, maxResponseBytes } from '../../http-client/response.ts';
import { type Message, type ResponseMessage, serialOf } from '../../protocol/messages.ts';
import { type SseEvent, SseParser } from '../../protocol/sse-codec.ts';
import type { Signal } from '../../runtime/abort.ts';
import { type Deadline, deadlines, settledOrAborted } from '../../runtime/deadlines.ts';
import { nextTurn } from '../../runtime/event-loop.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { toFailure, UpstreamFailure } from '../failure.ts';
import { minReopenDelayMs, readEvents } from './read-events.ts';
import type { TransportEvents } from './transport.ts';

/** How long a stream may go on after the answer before it is cut, which costs the connection. */
const drainTimeoutMs = 2_000;
/** How often in a row a broken stream is resumed although nothing new comes from it. */
const maxIdleResumptions = 5;
const resumeDelayMs = 500;

/** The transport of a stream. */
export interface StreamOwner {
  readonly events: TransportEvents;
  /** Whether events of any name carry messages. */
  isAnyEventName(): boolean;
  /** Whether the session is initialized, and the transport therefore the right one. */
  isInitialized(): boolean;
  /** Continues a stream after `lastEventId`, once `delayMs` have passed. Resolves to null if the server does not. */
  resume(lastEventId: string, delayMs: number, signal: Signal): Promise<HttpResponse | null>;
}

/** The stream of one request: its messages up to the answer, and what follows that. */
export class AnswerStream {
  readonly #owner: StreamOwner;
  readonly #id: number;
  readonly #signal: Signal;
  readonly #answer = Promise.withResolvers<ResponseMessage>();
  #isAnswered = false;
  #lastEventId = '';
  /** Resumptions since the last event. */
  #idleResumptions = 0;
  /** What is wrong with the last invalid message. */
  #problem: string | null = null;
  #response: HttpResponse | null = null;
  #drain: Deadline | undefined;

  constructor(owner: StreamOwner, id: number, signal: Signal) {
    this.#owner = owner;
    this.#id = id;
    this.#signal = signal;
  }

  /**
   * Resolves at the answer, while the rest of the stream is drained, so that its connection can be used again. Rejects with an
   * {@link UpstreamFailure} or the signal's reason.
   * @param head text that has come, which `parser` has not parsed
   */
  follow(parser: SseParser, head: string, response: HttpResponse | null): Promise<ResponseMessage> {
    this.#follow(parser, head, response).catch(this.#answer.reject);
    return this.#answer.promise;
  }

  /**
   * Reads the stream to its end. A server may close the connection and expect the client to come back for the rest of the
   * stream (MCP 2025-11-25, Resumability and Redelivery). The request itself is not sent again.
   */
  async #follow(first: SseParser, firstHead: string, response: HttpResponse | null): Promise<void> {
    let parser = first;
    let head = firstHead;
    this.#response = response;
    for (;;) {
      const broken = await this.#read(parser, head);
      if (this.#isAnswered) return;
      if (this.#lastEventId === '' || this.#idleResumptions++ === maxIdleResumptions)
        throw broken ?? this.#unanswered();
      const delayMs = Math.max(parser.retryMs ?? resumeDelayMs, minReopenDelayMs);
      this.#response = await this.#owner.resume(this.#lastEventId, delayMs, this.#signal);
      if (this.#response === null)
        throw broken ?? new UpstreamFailure('broken', 'broke off its stream and did not resume it');
      parser = new SseParser(maxResponseBytes);
      head = '';
    }
  }

  /** Reads one connection to its end. Resolves to the failure that broke it, or null. */
  async #read(parser: SseParser, head: string): Promise<UpstreamFailure | null> {
    try {
      await readEvents(
        parser,
        head,
        this.#response,
        (event, messages) => this.#take(event, messages),
        () => this.#owner.isAnyEventName(),
      );
      return null;
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      const failure = toFailure(error);
      this.#response?.cancel();
      if (failure.kind !== 'broken') throw failure;
      return failure;
    } finally {
      this.#drain?.clear();
    }
  }

  #take({ event, id }: SseEvent, messages: readonly Message[]): Promise<void> | undefined {
    if (id !== '') this.#lastEventId = id;
    this.#idleResumptions = 0;
    // MCP 2024-11-05, Transports, HTTP with SSE: some servers open that stream whatever the method is.
    if (event === 'endpoint' && !this.#owner.isInitialized())
      throw new UpstreamFailure('unsupported', 'answered with the endpoint of HTTP+SSE');
    let taken: Promise<void> | undefined;
    for (const message of messages) {
      if (isAnswerOnStream(message, this.#id)) taken = this.#takeAnswer(message as ResponseMessage) ?? taken;
      else {
        if (message.kind === 'invalid') this.#problem = message.problem;
        taken = this.#owner.events.onMessage(message, this.#id) ?? taken;
      }
    }
    // A client that does not read must not keep the call beyond its deadline.
    return taken && settledOrAborted(taken, this.#signal);
  }

  #takeAnswer(answer: ResponseMessage): Promise<void> | undefined {
    if (this.#isAnswered) {
      freePayload(answer.payload);
      return undefined;
    }
    this.#isAnswered = true;
    this.#answer.resolve(answer);
    this.#drain = deadlines.add(drainTimeoutMs, () => this.#response?.cancel());
    // Later messages must not overtake the answer.
    return nextTurn();
  }

  #unanswered(): UpstreamFailure {
    const found = this.#problem === null ? '' : `, but with something that is not JSON-RPC: ${this.#problem}`;
    return new UpstreamFailure('protocol', `ended its stream without an answer${found}`);
  }
}

/** Whether a message answers the request `id`. Some servers return the id as a string. */
export function isAnswerTo(message: Message, id: number): boolean {
  return message.kind === 'response' && (message.id === id || serialOf(message.id) === id);
}

/** Whether a message on the stream of the request `id` answers it. An error without an id does, too. */
export function isAnswerOnStream(message: Message, id: number): boolean {
  return isAnswerTo(message, id) || (message.kind === 'response' && message.id === null);
}
