import type { Signal } from '../runtime/abort.ts';
import { Holding, maxFreeBytes, OverBudgetError } from '../runtime/byte-budget.ts';
import type { Completion } from '../runtime/completion.ts';
import { type Sendable, type SendBatch, sendBatch } from '../runtime/send-batch.ts';
import { HttpFailure } from './http-failure.ts';
import { HttpResponse } from './response.ts';
import { type BodySource, IncomingBody } from './response-body.ts';
import { HttpFramingError, type ResponseHead } from './response-head.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';
import type { ByteSocket, SocketOwner } from './socket.ts';

/** How long a connection may wait to be used again where the server does not say how long it keeps it. */
const defaultIdleMs = 30_000;
/** By how much earlier than the server we give an idle connection up, so that no request meets its end. */
const idleMarginMs = 1_000;

/** What a connection tells the pool that owns it. */
export interface HttpConnectionEvents {
  /** What may be the reason where the server ends its first connections without a word; empty: nothing is known. */
  readonly hintOfSilence: string;
  /** It can serve another request. */
  onFree(connection: HttpConnection): void;
  /** The server has closed it, or said that it does, after it had been idle for `idleMs`. */
  onIdleEnd(idleMs: number): void;
  /** It is gone. */
  onClosed(connection: HttpConnection): void;
  /** Bytes of a body came. */
  onReceived(bytes: number): void;
}

/** One HTTP/1.1 connection: requests one after another, each with its response. */
export class HttpConnection implements SocketOwner, ResponseSink, BodySource, Sendable {
  readonly #socket: ByteSocket;
  readonly #events: HttpConnectionEvents;
  readonly #batch: SendBatch;
  readonly #parser: ResponseParser;
  readonly #onAbort = () => this.destroy(this.#signal?.reason);
  #closed = false;
  /** Whether nothing has come over it yet. */
  #isSilent = true;
  readonly #madeMs = performance.now();
  /** Of the request whose response has not come yet. */
  #done: Completion<HttpResponse> | null = null;
  /** The response whose head has come, until it is handed over, and its body until that has ended. */
  #response: HttpResponse | null = null;
  #body: IncomingBody | null = null;
  #signal: Signal | null = null;
  /** The request while it waits to be sent. */
  #message = '';
  /** What of the request the socket has not taken yet. */
  #unsent: Buffer | null = null;
  #unsentHolding: Holding | null = null;
  #persistent = false;
  /** The server's `Keep-Alive`, and how long the connection may be idle by that. */
  #keepAlive: string | null = null;
  #idleMs = defaultIdleMs;
  /** By performance.now(): when its last response had come; infinite while there is none, or another is awaited. */
  #idleSinceMs = Number.POSITIVE_INFINITY;

  /** @param batch sends the requests */
  constructor(socket: ByteSocket, events: HttpConnectionEvents, batch = sendBatch) {
    this.#socket = socket;
    this.#events = events;
    this.#batch = batch;
    this.#parser = new ResponseParser(this);
    socket.data.owner = this;
  }

  /** Whether the server said for how long it keeps the connection. */
  get saysItsLimit(): boolean {
    return this.#idleMs < defaultIdleMs;
  }
  get isClosed(): boolean {
    return this.#closed;
  }

  /** How long it has been idle at `nowMs`, of `performance.now()`; negative: it has served no request yet. */
  idleMsAt(nowMs: number): number {
    return nowMs - this.#idleSinceMs;
  }

  /** Whether it may be used at `nowMs`: it lives, and has not been idle for longer than its server said. */
  usableAt(nowMs: number): boolean {
    return !this.#closed && nowMs - this.#idleSinceMs < this.#idleMs;
  }

  /** For how long nothing at all has come over it; 0 where something has. */
  silentMsAt(nowMs: number): number {
    return this.#isSilent ? nowMs - this.#madeMs : 0;
  }

  /**
   * Sends a request; none may be in flight. `done` gets the response once its head has come, or an {@link HttpFailure}, or the
   * signal's reason, with which the reading of the body rejects, too. It must not throw.
   */
  request(message: string, signal: Signal, done: Completion<HttpResponse>): void {
    if (this.#closed || signal.aborted) {
      if (!this.#closed) this.#events.onFree(this);
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

  /** Sends the request, unless the connection was lost or given up meanwhile. */
  send(): void {
    const message = this.#message;
    this.#message = '';
    if (this.#closed) return;
    this.#parser.expect();
    const written = this.#socket.write(message);
    if (written < Buffer.byteLength(message)) this.#keep(Buffer.from(message), Math.max(written, 0));
  }

  /** Closes the connection, on which nothing is awaited. */
  close(): void {
    if (this.#closed) return;
    this.#end(null);
    this.#socket.close();
  }

  /** Breaks the connection off; what is awaited on it fails with `reason`. */
  destroy(reason: unknown): void {
    if (this.#closed) return;
    this.#end(reason);
    this.#socket.terminate();
  }

  received(bytes: Buffer): void {
    this.#isSilent = false;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      if (!(error instanceof HttpFramingError)) throw error;
      // Some servers say 408 before they close an idle connection.
      this.#noteIdleEnd();
      this.destroy(new HttpFailure('protocol', error.message));
    }
    // Only now, so that a body that came with its head is there as a whole.
    this.#handOver();
  }

  drained(): void {
    if (this.#unsent === null) return;
    const written = Math.max(this.#socket.write(this.#unsent), 0);
    this.#unsent = written < this.#unsent.byteLength ? this.#unsent.subarray(written) : null;
    if (this.#unsent === null) this.#unsentHolding?.release();
  }

  /** Keeps what the socket has not taken, from `sent` on. */
  #keep(message: Buffer, sent: number): void {
    this.#unsent = message.subarray(sent);
    if (message.byteLength <= maxFreeBytes) return;
    this.#unsentHolding ??= new Holding();
    if (!this.#unsentHolding.tryHold(message.byteLength)) this.destroy(new OverBudgetError());
  }

  closed(error: Error | null): void {
    if (this.#closed) return;
    this.#noteIdleEnd();
    // A body without any other end ends with the connection.
    if (error === null) this.#parser.close();
    if (this.#closed) return;
    this.#end(closedUnexpectedly(error === null && this.#isSilent ? this.#events.hintOfSilence : ''));
  }

  onHead(head: ResponseHead): void {
    this.#persistent = head.persistent;
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

  onEnd(clean: boolean): void {
    const body = this.#body;
    this.#release();
    body?.end();
    if (clean && this.#persistent && this.#unsent === null && !this.#closed) {
      this.#idleSinceMs = performance.now();
      this.#events.onFree(this);
    } else this.close();
  }

  setPaused(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  abandon(): void {
    this.destroy(new HttpFailure('broken', 'its answer was given up'));
  }

  #end(reason: unknown): void {
    this.#closed = true;
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

  #noteIdleEnd(): void {
    const idleMs = performance.now() - this.#idleSinceMs;
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

  /** The request and its response are over. */
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
