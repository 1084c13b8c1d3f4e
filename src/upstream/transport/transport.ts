import type { Message, ResponseMessage } from '../../protocol/messages.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { UpstreamFailure } from '../failure.ts';
import type { Sending } from './sending.ts';

/** What a transport tells the session above it. */
export interface TransportEvents {
  /**
   * Whatever the upstream sent, but for what a request's taker is told: requests, notifications, responses that came
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

/** Takes the response to a request, or why none came: one of the two, once. Throws nothing. */
export interface AnswerTaker {
  onAnswer(answer: ResponseMessage): void;
  /** @param reason an `UpstreamFailure`, or the reason of the request's signal */
  onFailure(reason: unknown): void;
}

/** Takes what becomes of a request. One of the three is told, once. */
export interface RequestTaker extends AnswerTaker {
  /** The upstream has taken the request and answers on another stream: as a message, see {@link TransportEvents}. */
  onAccepted(): void;
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
   * Sends the request `body`, whose id is `id`, for `taker`: without a promise, of which a call would need several.
   * What is returned is to be dropped where the request ends before its taker was told.
   */
  request(id: number, body: string, signal: Signal, taker: RequestTaker): Sending;
  /** Sends a notification or a response. */
  send(body: string, signal: Signal): Promise<void>;
  /** Called once the session is initialized with the negotiated protocol revision. */
  initialized(protocolVersion: string): void;
  /** Frees all sockets, and terminates the session on the upstream, if that is wanted, where the transport knows how. */
  close(terminate: boolean, signal: Signal): Promise<void>;
}
