import type { Message, ResponseMessage } from '../../protocol/messages.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import type { UpstreamFailure } from '../failure.ts';

/** Events of a transport, for its session. */
export interface TransportEvents {
  /**
   * The upstream sent a message other than the response to a pending completion. The session frees it. `requestId` is the id of
   * the request on whose stream it came; null: it came on a shared stream. The stream of a request is read on when the promise
   * settles, a shared one at once.
   */
  onMessage(message: Message, requestId: number | null): Promise<void> | undefined;
  /** The transport has ended and must not be used again. Called once at most. */
  onClosed(error: Error): void;
  /** The session may be lost. */
  onSuspect(): void;
  /** No stream is left that could bring the responses to accepted requests. */
  onDeaf(failure: UpstreamFailure): void;
}

/**
 * The completion of a request. One of its methods is called; after `defer` another one may follow. It rejects with an
 * `UpstreamFailure` or the reason of the request's signal. It must not throw.
 */
export interface RequestCompletion extends Completion<ResponseMessage> {
  /** The response, or the stream that brings it, has begun: the upstream has the request. Not called if that is at its end, too. */
  begin(): void;
  /** The upstream accepted the request. The response comes on another stream, as a message of {@link TransportEvents}. */
  defer(): void;
}

/** Header fields by their names in lower case. MCP 2026-07-28, Streamable HTTP, Request Metadata. */
export type RequestHeaders = Readonly<Record<string, string>>;

/** Carries the JSON-RPC messages of one session. Every promise rejects with an `UpstreamFailure` or the reason of its signal. */
export interface Transport {
  /** `streamable`, `sse`: for /health and log lines. */
  readonly name: string;
  /** Whether each request has headers and a stream of its own, so that closing the stream cancels it. */
  readonly hasRequestStreams: boolean;
  /** Makes the transport ready for `request`. */
  open(signal: Signal): Promise<void>;
  /**
   * Sends a request. Takes a completion, because a promise at each step would cost more than the rest of the call.
   * The POST of a request whose response came on another stream goes on until it ends or `signal` is aborted.
   * @param headers of the request alone, which a transport without headers ignores
   */
  request(id: number, body: string, signal: Signal, done: RequestCompletion, headers?: RequestHeaders): void;
  /** Sends a notification or a response. */
  send(body: string, signal: Signal): Promise<void>;
  /** The session is initialized with that protocol version. */
  initialized(protocolVersion: string): void;
  /** Closes all streams, and terminates the session on the upstream if `terminate` is set and the transport can. */
  close(terminate: boolean, signal: Signal): Promise<void>;
}

/** Makes the transport of a session, which takes its events. */
export type TransportSource = (events: TransportEvents) => Transport;
