import type { HttpRequest, HttpSession } from '../../http-client/http-session.ts';
import { type HttpResponse, maxResponseBytes } from '../../http-client/response.ts';
import type { Ends } from '../../json/scan.ts';
import { mediaType, sessionHeader, sseType, versionHeader } from '../../protocol/headers.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { SseParser } from '../../protocol/sse-codec.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { type Deadline, deadlines, settledOrAborted, sleep } from '../../runtime/deadlines.ts';
import { nextTurn } from '../../runtime/event-loop.ts';
import { freePayload, type OwnedBytes, type Payload, textOf } from '../../runtime/owned-bytes.ts';
import { failureIn, sessionLossOf, toFailure, UpstreamFailure } from '../failure.ts';
import { answerAmong, isAnswerOnStream, looksLikeEvents, looksLikeJson, neither } from './answers.ts';
import { endsIn, eventMessages, parseMessages, readEvents } from './body-messages.ts';
import { answerInBytes, inBytes } from './long-response.ts';
import { refusalOf } from './refusal.ts';
import { minReopenDelayMs, SessionStream, unanswerable } from './session-stream.ts';
import type { RequestCompletion, Transport, TransportEvents } from './transport.ts';

/** How long a stream may go on after the answer before it is cut, which costs the connection. */
const drainTimeoutMs = 2_000;
/** How long an answer may take that comes on another stream than the one that ended without it. */
const afterStreamMs = 1_000;
/** How often in a row a broken stream is resumed without anything new coming from it. */
const maxIdleResumptions = 5;
const resumeDelayMs = 500;
/** How much white space is passed over where a body is there as a whole. */
const maxBlankChars = 1_024;
/** How much white space a body may begin with that comes in pieces. */
const maxBlankBytes = 64 * 1024;

/** MCP 2025-11-25, Transports, Streamable HTTP: a POST per message, and one GET stream for what belongs to no request. */
export class StreamableTransport implements Transport {
  readonly name = 'streamable';
  readonly #http: HttpSession;
  readonly #events: TransportEvents;
  readonly #anyEventName: () => boolean;
  readonly #closing = new Abort();
  /** The session's GET stream, once it is initialized. */
  #stream: SessionStream | null = null;
  #headers: Record<string, string> = {};

  constructor(http: HttpSession, events: TransportEvents, anyEventName: () => boolean) {
    this.#http = http;
    this.#events = events;
    this.#anyEventName = anyEventName;
  }

  async open(): Promise<void> {
    // Nothing to open: the first POST tells whether the endpoint speaks this transport.
  }

  request(id: number, body: string, signal: Signal, done: RequestCompletion): void {
    const post = new StreamableRequest(this, id, body, this.#headers, signal, done);
    this.#http.request(post, post);
  }

  /**
   * Completes a request whose POST brought no response message. The session's stream may bring it after a 202, and after
   * a stream that ended too soon, which is not waited for as long.
   */
  unanswered({ status, contentType }: HttpResponse, reason: unknown, done: RequestCompletion): void {
    const isEmpty = failureIn(reason)?.kind === 'protocol';
    const isOffered = this.#stream?.refused === false;
    if (isEmpty && isOffered && (status === 202 || mediaType(contentType) === sseType)) {
      done.defer();
      if (status !== 202) deadlines.add(afterStreamMs, () => done.reject(reason));
    } else done.reject(isEmpty && status === 202 ? (this.#stream?.failure ?? unanswerable()) : reason);
  }

  /** The answer to the request `id` in the response to its POST. Throws, or rejects with, an {@link UpstreamFailure}. */
  answerIn(response: HttpResponse, id: number, signal: Signal): ResponseMessage | Promise<ResponseMessage> {
    if (!response.ok) return this.#refusal(response, id);
    if (this.#headers[sessionHeader] === undefined) this.#takeSessionId(response);
    const streams = mediaType(response.contentType) === sseType;
    if (streams || response.contentLength === null)
      return this.#answerInPieces(response, streams, id, signal);
    // Whole, and so no live stream, whatever else it may be.
    const body = response.whole();
    return body instanceof Promise
      ? body.then((whole) => this.#answerInWhole(whole, id, signal))
      : this.#answerInWhole(body, id, signal);
  }

  /** MCP 2025-11-25, Transports, Session Management. */
  #takeSessionId(response: HttpResponse): void {
    const sessionId = response.header(sessionHeader);
    if (sessionId !== null && sessionId !== '')
      this.#headers = { ...this.#headers, [sessionHeader]: sessionId };
  }

  #answerInWhole(body: Payload, id: number, signal: Signal): ResponseMessage | Promise<ResponseMessage> {
    const beginning = typeof body === 'string' ? body : body.part(0, maxBlankChars).toString();
    if (looksLikeJson(beginning)) return this.#answerInBody(body, id);
    const text = textOf(body);
    freePayload(body);
    if (!looksLikeEvents(beginning)) throw neither();
    return this.#answerFrom(new SseParser(maxResponseBytes), text, null, id, signal);
  }

  /** @param streams whether the response says that it is a stream of events */
  async #answerInPieces(
    response: HttpResponse,
    streams: boolean,
    id: number,
    signal: Signal,
  ): Promise<ResponseMessage> {
    // The content type may be wrong: what the body begins with decides.
    const head: Uint8Array[] = [];
    const parser = new SseParser(maxResponseBytes);
    let text = '';
    let beginning = '';
    let blankBytes = 0;
    while (beginning === '') {
      // Blanks complete no event.
      parser.pushText(text);
      const chunk = await response.read();
      if (chunk === null) throw new UpstreamFailure('protocol', 'answered with an empty body');
      if (blankBytes > maxBlankBytes) {
        response.cancel();
        throw new UpstreamFailure('protocol', 'answered with blanks');
      }
      head.push(chunk);
      text = parser.decode(chunk);
      beginning = text.trimStart();
      blankBytes += chunk.byteLength;
    }
    if (looksLikeJson(beginning)) return this.#answerInBody(await response.whole(head), id);
    if (!streams && !looksLikeEvents(beginning)) {
      response.cancel();
      throw neither();
    }
    // As most servers send it: one event, and nothing more to be awaited.
    const answer = response.isOver && head.length === 1 ? this.#answerInEvent(text, id) : undefined;
    if (answer) return answer;
    return this.#answerFrom(parser, text, response, id, signal);
  }

  /** The answer in the text of a stream that brings nothing else. */
  #answerInEvent(text: string, id: number): ResponseMessage | undefined {
    const [event, ...more] = new SseParser(maxResponseBytes).pushText(text);
    if (event === undefined || more.length > 0) return undefined;
    const [message, ...others] = eventMessages(event, this.#anyEventName());
    const isAnswer = message !== undefined && others.length === 0 && isAnswerOnStream(message, id);
    return isAnswer ? inBytes(message as ResponseMessage) : undefined;
  }

  async send(body: string, signal: Signal): Promise<void> {
    const response = await this.#http.fetch({ method: 'POST', body, headers: this.#headers, signal });
    if (!response.ok) throw this.#failure(response, await response.beginning());
    await response.discard();
  }

  initialized(protocolVersion: string): void {
    this.#http.pinUrl();
    this.#headers = { ...this.#headers, [versionHeader]: protocolVersion };
    this.#stream = new SessionStream(
      this.#http,
      this.#headers,
      this.#events,
      this.#anyEventName,
      this.#closing,
    );
    void this.#stream.follow();
  }

  async close(terminate: boolean, signal: Signal): Promise<void> {
    this.#closing.abort();
    if (this.#headers[sessionHeader] === undefined || !terminate) return;
    const response = await this.#http.fetch({ method: 'DELETE', headers: this.#headers, signal });
    await response.discard();
  }

  /** An error status: a JSON-RPC error in answer to this very request is an answer, all else a failure. */
  async #refusal(response: HttpResponse, id: number): Promise<ResponseMessage> {
    const body = await response.beginning();
    const answer = this.#errorIn(body, id);
    const failure = this.#failure(response, body, answer);
    if (answer && failure.loss === undefined && isForRequest(failure)) return answer;
    throw failure;
  }

  /** The JSON-RPC error in the body of an error status that answers our request, if there is one. */
  #errorIn(body: string, id: number): ResponseMessage | undefined {
    try {
      return answerAmong(parseMessages(body), id, this.#headers[versionHeader] !== undefined);
    } catch {
      // Not JSON-RPC: the status says all there is to say.
      return undefined;
    }
  }

  #failure(response: HttpResponse, body: string, answer?: ResponseMessage): UpstreamFailure {
    const sessionId = this.#headers[sessionHeader];
    const failure = refusalOf(this.#http, response, body, sessionId);
    const loss = sessionLossOf(response.status, body, sessionId !== undefined);
    return loss ? failure.withLoss(loss, isForRequest(failure) ? answer : undefined) : failure;
  }

  #answerInBody(body: Payload, id: number): ResponseMessage | Promise<ResponseMessage> {
    if (typeof body === 'string') return this.#answerInText(body, id);
    const answer = answerInBytes(body, id);
    return answer === undefined || answer instanceof Promise ? this.#answerInBytes(body, answer, id) : answer;
  }

  async #answerInBytes(
    bytes: OwnedBytes,
    found: Promise<ResponseMessage | undefined> | undefined,
    id: number,
  ): Promise<ResponseMessage> {
    try {
      const answer = await found;
      if (answer) return answer;
      // A batch, something else than an answer, or no JSON: the whole text tells.
      const text = bytes.toString();
      bytes.free();
      return this.#answerInText(text, id, await endsIn(text));
    } catch (error) {
      bytes.free();
      throw error;
    }
  }

  #answerInText(text: string, id: number, ends?: Ends): ResponseMessage {
    const messages = parseMessages(text, ends);
    const answer = answerAmong(messages, id, true);
    for (const message of messages) if (message !== answer) void this.#events.onMessage(message, id);
    if (answer) return inBytes(answer);
    const odd = messages.find((message) => message.kind === 'invalid');
    const found = odd
      ? `something that is not JSON-RPC: ${odd.problem}`
      : 'a body that does not answer the request';
    throw new UpstreamFailure('protocol', `answered with ${found}`);
  }

  /**
   * Resolves at the answer, while the rest of the stream is drained behind, so that its connection can be used again.
   * @param head the text that has come, which `parser` has not taken yet
   */
  #answerFrom(
    parser: SseParser,
    head: string,
    response: HttpResponse | null,
    id: number,
    signal: Signal,
  ): Promise<ResponseMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseMessage>();
    this.#followAnswer(parser, head, response, id, signal, resolve).catch(reject);
    return promise;
  }

  /** Ends when the stream does, having called `resolve`; rejects where no answer came. */
  async #followAnswer(
    first: SseParser,
    head: string,
    response: HttpResponse | null,
    id: number,
    signal: Signal,
    resolve: (answer: ResponseMessage) => void,
  ): Promise<void> {
    let parser = first;
    let text = head;
    let reader = response;
    let lastEventId = '';
    let idle = 0;
    let answered = false;
    let odd: string | null = null;
    let drain: Deadline | undefined;
    for (;;) {
      let broken: UpstreamFailure | null = null;
      try {
        await readEvents(parser, text, reader, (event) => {
          if (event.id !== '') lastEventId = event.id;
          idle = 0;
          if (event.event === 'endpoint' && this.#headers[versionHeader] === undefined)
            throw olderTransport();
          let taken: Promise<void> | undefined;
          for (const message of eventMessages(event, this.#anyEventName())) {
            if (isAnswerOnStream(message, id)) {
              // Sent once more, it is of no use to anybody.
              if (answered) continue;
              answered = true;
              resolve(inBytes(message as ResponseMessage));
              drain ??= deadlines.add(drainTimeoutMs, () => reader?.cancel());
              // What comes after the answer must not overtake it.
              taken = nextTurn();
            } else {
              if (message.kind === 'invalid') odd = message.problem;
              taken = this.#events.onMessage(message, id) ?? taken;
            }
          }
          // A client that does not read must not keep the call beyond its deadline.
          return taken && settledOrAborted(taken, signal);
        });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        broken = toFailure(error);
        reader?.cancel();
        if (broken.kind !== 'broken') throw broken;
      } finally {
        drain?.clear();
      }
      if (answered) return;
      // A server may close the connection and expect us to come back for the rest of the stream
      // (MCP 2025-11-25, Resumability and Redelivery). The request itself is never sent again.
      if (lastEventId === '' || idle++ === maxIdleResumptions) throw broken ?? endedWithout(odd);
      const resumed = await this.#resume(
        lastEventId,
        Math.max(parser.retryMs ?? resumeDelayMs, minReopenDelayMs),
        signal,
      );
      if (resumed === null)
        throw broken ?? new UpstreamFailure('broken', 'broke off its stream and did not resume it');
      reader = resumed;
      parser = new SseParser(maxResponseBytes);
      text = '';
    }
  }

  /** Goes on with a stream after `lastEventId`; null when that cannot be had. */
  async #resume(lastEventId: string, delayMs: number, signal: Signal): Promise<HttpResponse | null> {
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
}

/** MCP 2024-11-05, Transports, HTTP with SSE: some servers open that stream whatever the method is. */
function olderTransport(): UpstreamFailure {
  return new UpstreamFailure('unsupported', 'answered with the endpoint of HTTP+SSE');
}

function endedWithout(odd: string | null): UpstreamFailure {
  const found = odd === null ? '' : `, but with something that is not JSON-RPC: ${odd}`;
  return new UpstreamFailure('protocol', `ended its stream without an answer${found}`);
}

/** Whether a status leaves it to the error in its body to say what is wrong with the request. */
function isForRequest({ kind }: UpstreamFailure): boolean {
  return kind === 'protocol' || kind === 'unsupported' || kind === 'limited';
}

/** A request on its way, and what takes the response to its POST. */
class StreamableRequest implements HttpRequest, Completion<HttpResponse> {
  readonly method = 'POST';
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: Signal;
  readonly #transport: StreamableTransport;
  readonly #id: number;
  readonly #done: RequestCompletion;

  constructor(
    transport: StreamableTransport,
    id: number,
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: Signal,
    done: RequestCompletion,
  ) {
    this.signal = signal;
    this.#transport = transport;
    this.#id = id;
    this.body = body;
    this.headers = headers;
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
