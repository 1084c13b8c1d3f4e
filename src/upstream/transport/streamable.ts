import type { HttpRequest, HttpSession } from '../../http-client/http-session.ts';
import type { HttpResponse } from '../../http-client/response.ts';
import { mediaType, sessionHeader, sseType, versionHeader } from '../../protocol/headers.ts';
import type { Message, ResponseMessage } from '../../protocol/messages.ts';
import type { Era } from '../../protocol/versions.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { deadlines, sleep } from '../../runtime/deadlines.ts';
import { failureIn, sessionLossOf, type UpstreamFailure } from '../failure.ts';
import { answerAmong, readAnswer } from './answer.ts';
import type { StreamOwner } from './answer-stream.ts';
import { freeMessages, parseBody } from './parse-messages.ts';
import { refusalOf } from './refusal.ts';
import { SessionStream, unanswerable } from './session-stream.ts';
import type { RequestCompletion, RequestHeaders, Transport, TransportEvents } from './transport.ts';

/** How long the session's stream may take to bring an answer that the stream of its request ended without. */
const afterStreamMs = 1_000;

/**
 * Streamable HTTP: a POST for each message. MCP 2025-11-25, Transports: with a session id, and a GET stream for messages of no
 * request. MCP 2026-07-28, Streamable HTTP: with neither, and no stream is resumed.
 */
export class StreamableTransport implements Transport, StreamOwner {
  readonly name = 'streamable';
  readonly hasRequestStreams = true;
  readonly #http: HttpSession;
  readonly events: TransportEvents;
  readonly isAnyEventName: () => boolean;
  readonly #era: Era;
  readonly #closing = new Abort();
  /** The session's GET stream, once it is initialized. */
  #stream: SessionStream | null = null;
  #headers: Record<string, string> = {};
  #isInitialized = false;

  constructor(http: HttpSession, era: Era, events: TransportEvents, isAnyEventName: () => boolean) {
    this.#http = http;
    this.#era = era;
    this.events = events;
    this.isAnyEventName = isAnyEventName;
  }

  async open(): Promise<void> {
    // The first POST shows whether the endpoint speaks this transport.
  }

  request(id: number, body: string, signal: Signal, done: RequestCompletion, own?: RequestHeaders): void {
    const post = new StreamableRequest(this, id, body, this.#headers, own, signal, done);
    this.#http.request(post, post);
  }

  /**
   * Completes a request whose POST brought no answer. The session's stream may bring it after a 202, and for a short time
   * after the request's own stream has ended.
   */
  unanswered({ status, contentType }: HttpResponse, reason: unknown, done: RequestCompletion): void {
    const isEmpty = failureIn(reason)?.kind === 'protocol';
    const isOffered = this.#stream?.isRefused === false;
    if (isEmpty && isOffered && (status === 202 || mediaType(contentType) === sseType)) {
      done.defer();
      if (status !== 202) deadlines.add(afterStreamMs, () => done.reject(reason));
    } else done.reject(isEmpty && status === 202 ? (this.#stream?.failure ?? unanswerable()) : reason);
  }

  /** The answer to the request `id` in the response to its POST. Throws, or rejects with, an {@link UpstreamFailure}. */
  answerIn(response: HttpResponse, id: number, signal: Signal): ResponseMessage | Promise<ResponseMessage> {
    if (!response.ok) return this.#refusal(response, id);
    if (this.#era === 'legacy' && this.#headers[sessionHeader] === undefined) this.#takeSessionId(response);
    return readAnswer(this, response, id, signal);
  }

  /** MCP 2025-11-25, Transports, Session Management. */
  #takeSessionId(response: HttpResponse): void {
    const sessionId = response.header(sessionHeader);
    if (sessionId !== null && sessionId !== '')
      this.#headers = { ...this.#headers, [sessionHeader]: sessionId };
  }

  async send(body: string, signal: Signal): Promise<void> {
    const response = await this.#http.fetch({ method: 'POST', body, headers: this.#headers, signal });
    if (!response.ok) throw this.#failure(response, await response.beginning());
    await response.discard();
  }

  initialized(protocolVersion: string): void {
    this.#http.pinUrl();
    this.#isInitialized = true;
    if (this.#era === 'modern') return;
    this.#headers = { ...this.#headers, [versionHeader]: protocolVersion };
    this.#stream = new SessionStream(this.#http, this.#headers, this, this.#closing);
    void this.#stream.follow();
  }

  async close(terminate: boolean, signal: Signal): Promise<void> {
    this.#closing.abort();
    if (this.#headers[sessionHeader] === undefined || !terminate) return;
    const response = await this.#http.fetch({ method: 'DELETE', headers: this.#headers, signal });
    await response.discard();
  }

  isInitialized(): boolean {
    return this.#isInitialized;
  }

  async resume(lastEventId: string, delayMs: number, signal: Signal): Promise<HttpResponse | null> {
    if (this.#era === 'modern') return null;
    if (!(await sleep(delayMs, signal))) throw signal.reason;
    const headers = { ...this.#headers, 'last-event-id': lastEventId };
    try {
      const response = await this.#http.fetch({ method: 'GET', headers, signal });
      if (response.ok) return response;
      await response.discard();
    } catch {
      if (signal.aborted) throw signal.reason;
    }
    return null;
  }

  /** Resolves to the JSON-RPC error that answers the request in a response with an error status. Otherwise rejects. */
  async #refusal(response: HttpResponse, id: number): Promise<ResponseMessage> {
    const body = await response.beginning();
    const messages = await jsonMessages(body);
    const answer = answerAmong(messages, id, this.isInitialized());
    const failure = this.#failure(response, body, answer);
    if (answer && failure.loss === undefined && this.#isAboutRequest(failure)) return answer;
    freeMessages(messages.filter((message) => message !== failure.answer));
    throw failure;
  }

  #failure(response: HttpResponse, body: string, answer?: ResponseMessage): UpstreamFailure {
    const sessionId = this.#headers[sessionHeader];
    const failure = refusalOf(this.#http, response, body, sessionId);
    const loss = sessionLossOf(response.status, body, sessionId !== undefined);
    return loss ? failure.withLoss(loss, this.#isAboutRequest(failure) ? answer : undefined) : failure;
  }

  /** Whether a status leaves it to the error in the body to say what is wrong with the request. */
  #isAboutRequest({ kind, status = 0 }: UpstreamFailure): boolean {
    // The error of a server that does not cope says nothing about the era that it speaks.
    if (this.#era === 'modern' && !this.#isInitialized && (status >= 500 || status === 429)) return false;
    return kind === 'protocol' || kind === 'unsupported' || kind === 'limited';
  }
}

/** The messages in the body of an error; none if it is not JSON. */
async function jsonMessages(body: string): Promise<readonly Message[]> {
  try {
    return await parseBody(body);
  } catch {
    return [];
  }
}

/** A request, and the completion of its POST. */
class StreamableRequest implements HttpRequest, Completion<HttpResponse> {
  readonly method = 'POST';
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ownHeaders: RequestHeaders | undefined;
  readonly signal: Signal;
  readonly #transport: StreamableTransport;
  readonly #id: number;
  readonly #done: RequestCompletion;

  constructor(
    transport: StreamableTransport,
    id: number,
    body: string,
    headers: Readonly<Record<string, string>>,
    ownHeaders: RequestHeaders | undefined,
    signal: Signal,
    done: RequestCompletion,
  ) {
    this.signal = signal;
    this.#transport = transport;
    this.#id = id;
    this.body = body;
    this.headers = headers;
    this.ownHeaders = ownHeaders;
    this.#done = done;
  }

  resolve(response: HttpResponse): void {
    const done = this.#done;
    let answer: ResponseMessage | Promise<ResponseMessage>;
    try {
      answer = this.#transport.answerIn(response, this.#id, this.signal);
    } catch (error) {
      this.#transport.unanswered(response, error, done);
      return;
    }
    if (answer instanceof Promise) {
      done.begin();
      answer.then(
        (late) => done.resolve(late),
        (reason) => this.#transport.unanswered(response, reason, done),
      );
    } else done.resolve(answer);
  }

  reject(reason: unknown): void {
    this.#done.reject(reason);
  }
}
