import type { Message, ResponseMessage } from '../../protocol/messages.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import type { UpstreamFailure } from '../failure.ts';

/** What a transport tells the session above it. */
export interface TransportEvents {
  /**
   * Whatever the upstream sent, but for what a request's completion gets: requests, notifications, responses that came
   * on another stream than their request's, and what is no message. `requestId` is the id of our request on whose stream
   * it came, or null where it came on a stream that all share. A stream of one request is read on when the promise settles;
   * one that all share goes on at once.
   */
  onMessage(message: Message, requestId: number | null): Promise<void> | undefined;
  /** The upstream can no longer be reached over this transport; it must not be used again. Called at most once. */
  onClosed(error: Error): void;
  /** The session was lost, noticed outside of any request. */
  onSuspect(): void;
  /** No stream is left that could bring the responses to requests that were accepted. */
  onDeaf(failure: UpstreamFailure): void;
}

/**
 * The completion of a request: one of its methods is called, once. It rejects with an `UpstreamFailure`, or with the reason
 * of the request's signal. It must not throw.
 */
export interface RequestCompletion extends Completion<ResponseMessage> {
  /** The upstream accepted the request; the response comes on another stream, as a message: see {@link TransportEvents}. */
  defer(): void;
}

/**
 * Carries JSON-RPC messages to one upstream. Every promise rejects with an `UpstreamFailure`, or with the
 * reason of the signal it was given.
 */
export interface Transport {
  /** `streamable`, `sse`: for /health and log lines. */
  readonly name: string;
  /** Makes the transport ready for `request`. */
  open(signal: Signal): Promise<void>;
  /**
   * Sends the request `body`, whose id is `id`. A completion, because a promise at each step would cost more than the rest.
   * The POST of a request whose response came on another stream goes on until it ends or `signal` is aborted.
   */
  request(id: number, body: string, signal: Signal, done: RequestCompletion): void;
  /** Sends a notification or a response. */
  send(body: string, signal: Signal): Promise<void>;
  /** Called once the session is initialized with the negotiated protocol revision. */
  initialized(protocolVersion: string): void;
  /** Frees all sockets, and terminates the session on the upstream, if that is wanted, where the transport knows how. */
  close(terminate: boolean, signal: Signal): Promise<void>;
}

/** Makes the transport of a session, which takes its events. */
export type TransportSource = (events: TransportEvents) => Transport;
