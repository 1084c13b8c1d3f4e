import type { Signal } from '../runtime/abort.ts';
import { Holding, maxFreeBytes, OverBudgetError } from '../runtime/byte-budget.ts';
import type { Completion } from '../runtime/completion.ts';
import type { Clock } from '../runtime/deadlines.ts';
import { type Sendable, type SendBatch, sendBatch } from '../runtime/send-batch.ts';
import { HttpFailure } from './http-failure.ts';
import { HttpResponse } from './response.ts';
import { type BodySource, IncomingBody } from './response-body.ts';
import { HttpFramingError, type ResponseHead } from './response-head.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';
import type { ByteSocket, SocketOwner } from './socket.ts';

/** How long a connection may be idle if the server announces no limit. */
const defaultIdleMs = 30_000;
/** We close an idle connection this long before the server does, so that no request is lost to its close. */
const idleMarginMs = 1_000;

/** Callbacks of a connection. */
export interface HttpConnectionEvents {
  /** A possible reason if the server closes its first connections without a response; empty if unknown. */
  readonly hintOfSilence: string;
  /** It can serve another request. */
  onFree(connection: HttpConnection): void;
  /** The server has closed it, or answered 408, after `idleMs` of idleness. */
  onIdleEnd(idleMs: number): void;
  /** It is closed. */
  onClosed(connection: HttpConnection): void;
  /** Bytes of a body have arrived. */
  onReceived(bytes: number): void;
}

/** One HTTP/1.1 connection, with one request in flight at most. */
export class HttpConnection implements SocketOwner, ResponseSink, BodySource, Sendable {
  readonly #socket: ByteSocket;
  readonly #events: HttpConnectionEvents;
  readonly #batch: SendBatch;
  readonly #clock: Clock;
  readonly #parser: ResponseParser;
  readonly #onAbort = () => this.destroy(this.#signal?.reason);
  isClosed = false;
  /** Whether nothing has been received yet. */
  #isSilent = true;
  readonly #openedMs: number;
  /** Of the request whose response has not been handed over. */
  #done: Completion<HttpResponse> | null = null;
  /** The response from its head until it is handed over, and its body until its end. */
  #response: HttpResponse | null = null;
  #body: IncomingBody | null = null;
  #signal: Signal | null = null;
  /** The request that waits in the send batch. */
  #message = '';
  /** The rest of a request that the socket has not accepted yet. */
  #unsent: Buffer | null = null;
  #unsentHolding: Holding | null = null;
  #isPersistent = false;
  /** The server's `Keep-Alive` header, and the idle limit that follows from it. */
  #keepAlive: string | null = null;
  #idleMs = defaultIdleMs;
  /** The end of its last response; infinite before the first one and while a request is in flight. */
  #idleSinceMs = Number.POSITIVE_INFINITY;

  /** @param batch sends the requests */
  constructor(socket: ByteSocket, events: HttpConnectionEvents, clock: Clock, batch = sendBatch) {
    this.#socket = socket;
    this.#events = events;
    this.#batch = batch;
    this.#clock = clock;
    this.#openedMs = clock.nowMs();
    this.#parser = new ResponseParser(this);
    socket.data.owner = this;
  }

  /** Whether the server announces how long it keeps an idle connection. */
  get announcesLimit(): boolean {
    return this.#idleMs < defaultIdleMs;
  }

  /** How long it has been idle; negative before its first response and while a request is in flight. */
  idleMsAt(nowMs: number): number {
    return nowMs - this.#idleSinceMs;
  }

  /** Whether it is open and has not reached its idle limit. */
  isUsableAt(nowMs: number): boolean {
    return !this.isClosed && nowMs - this.#idleSinceMs < this.#idleMs;
  }

  /** How long nothing at all has been received since it was opened; 0 once something has. */
  silentMsAt(nowMs: number): number {
    return this.#isSilent ? nowMs - this.#openedMs : 0;
  }

  /**
   * Sends a request; none may be in flight. `done` gets the response when its head has arrived, or an
   * {@link HttpFailure} or the signal's reason, with which reading the body rejects, too. It must not throw.
   */
  request(message: string, signal: Signal, done: Completion<HttpResponse>): void {
    if (this.isClosed || signal.aborted) {
      if (!this.isClosed) this.#events.onFree(this);
      done.reject(signal.aborted ? signal.reason : closedUnexpectedly());
      return;
    }
    this.#idleSinceMs = Number.POSITIVE_INFINITY;
    this.#done = done;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#message = message;
    this.#batch.add(this);
  }

  /** Sends the request, unless the connection was closed meanwhile. */
  send(): void {
    const message = this.#message;
    this.#message = '';
    if (this.isClosed) return;
    this.#parser.expect();
    const written = this.#socket.write(message);
    if (written < Buffer.byteLength(message)) this.#keep(Buffer.from(message), Math.max(written, 0));
  }

  /** Closes the connection, which has no request in flight. */
  close(): void {
    if (this.isClosed) return;
    this.#end(null);
    this.#socket.close();
  }

  /** Terminates the connection; its request fails with `reason`. */
  destroy(reason: unknown): void {
    if (this.isClosed) return;
    this.#end(reason);
    this.#socket.terminate();
  }

  received(bytes: Buffer): void {
    this.#isSilent = false;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      if (!(error instanceof HttpFramingError)) throw error;
      // Some servers send 408 before they close an idle connection.
      this.#reportIdleEnd();
      this.destroy(new HttpFailure('protocol', error.message));
    }
    // Only now, so that a body that arrived with its head is complete.
    this.#handOver();
  }

  drained(): void {
    if (this.#unsent === null) return;
    const written = Math.max(this.#socket.write(this.#unsent), 0);
    this.#unsent = written < this.#unsent.byteLength ? this.#unsent.subarray(written) : null;
    if (this.#unsent === null) this.#unsentHolding?.release();
  }

  /** Keeps the part of the request from `sent` on, which the socket has not accepted. */
  #keep(message: Buffer, sent: number): void {
    this.#unsent = message.subarray(sent);
    if (message.byteLength <= maxFreeBytes) return;
    this.#unsentHolding ??= new Holding();
    if (!this.#unsentHolding.tryHold(message.byteLength)) this.destroy(new OverBudgetError());
  }

  closed(error: Error | null): void {
    if (this.isClosed) return;
    this.#reportIdleEnd();
    // The close may delimit the body.
    if (error === null) this.#parser.close();
    if (this.isClosed) return;
    this.#end(closedUnexpectedly(error === null && this.#isSilent ? this.#events.hintOfSilence : ''));
  }

  onHead(head: ResponseHead): void {
    this.#isPersistent = head.isPersistent;
    const { keepAlive } = head;
    if (keepAlive !== this.#keepAlive) {
      this.#keepAlive = keepAlive;
      this.#idleMs = idleMsOf(keepAlive);
    }
    this.#body = new IncomingBody(this);
    this.#response = HttpResponse.of(head, this.#body);
  }

  onData(chunk: Buffer, start: number, end: number): void {
    this.#events.onReceived(end - start);
    this.#body?.push(chunk, start, end);
  }

  onEnd(isClean: boolean): void {
    const body = this.#body;
    this.#release();
    body?.end();
    if (isClean && this.#isPersistent && this.#unsent === null && !this.isClosed) {
      this.#idleSinceMs = this.#clock.nowMs();
      this.#events.onFree(this);
    } else this.close();
  }

  setPaused(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  abandon(): void {
    this.destroy(new HttpFailure('broken', 'the response was aborted'));
  }

  #end(reason: unknown): void {
    this.isClosed = true;
    this.#unsent = null;
    this.#unsentHolding?.release();
    const body = this.#body;
    const done = this.#response === null ? this.#done : null;
    this.#release();
    body?.fail(reason);
    this.#events.onClosed(this);
    if (done === null) return;
    this.#done = null;
    done.reject(reason);
  }

  #reportIdleEnd(): void {
    const idleMs = this.#clock.nowMs() - this.#idleSinceMs;
    if (idleMs >= 0) this.#events.onIdleEnd(idleMs);
  }

  #handOver(): void {
    const response = this.#response;
    const done = this.#done;
    if (response === null) return;
    this.#response = null;
    this.#done = null;
    done?.resolve(response);
  }

  /** The request is complete. */
  #release(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = null;
    this.#body = null;
  }
}

function closedUnexpectedly(hint = ''): HttpFailure {
  return new HttpFailure('broken', `connection closed unexpectedly${hint}`);
}

function idleMsOf(keepAlive: string | null): number {
  const seconds = /(?:^|,)\s*timeout=(\d{1,6})/i.exec(keepAlive ?? '')?.[1];
  if (seconds === undefined) return defaultIdleMs;
  const serverMs = Number(seconds) * 1000;
  return Math.min(defaultIdleMs, Math.max(serverMs - idleMarginMs, serverMs / 2));
}
