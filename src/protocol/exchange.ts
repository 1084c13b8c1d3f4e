import type { ObjectText } from '../json/object.ts';
import type { TraceSpan } from '../observability/tracing.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import type { Payload } from '../runtime/owned-bytes.ts';
import type { Caller } from './caller.ts';
import type { Question, QuestionAnswer } from './questions.ts';

/**
 * One client request on its way through the gateway, independent of the protocol era at either edge. The downstream edge
 * makes it, the router finds its owner, the upstream edge answers it.
 */
export interface Exchange {
  readonly method: string;
  /** The JSON text of the method. */
  readonly methodText: string;
  /** The JSON text of the request's id. */
  readonly idText: string;
  /** The time of arrival, by `performance.now()`. */
  readonly startMs: number;
  readonly params: ObjectText | undefined;
  /** The `_meta` of the params, if it is an object. Throws a `TooManyError` if the params have too many members. */
  readonly meta: ObjectText | undefined;
  readonly caller: Caller;
  /** The span of the request, while it is traced. */
  readonly trace?: TraceSpan;
  /** The `traceparent` of the HTTP request that carried it, which is independent of the one in {@link meta}. */
  readonly httpTraceparent: string | null;
  /** Aborted when the client cancels or disconnects. */
  readonly signal: Signal;
  /**
   * Sends a notification to the client ahead of the answer. A returned promise settles when the client's stream takes
   * more; awaiting it carries back-pressure upstream.
   * @param paramsText the JSON text of the params, if there are any
   */
  notify(method: string, paramsText?: string): Promise<void> | undefined;
  /**
   * Asks the client something ahead of the answer. Resolves to its answer, or at once to an error if it cannot be asked. Rejects
   * when the exchange ends, or the question's signal is aborted, before the client has answered.
   */
  ask(question: Question, done: Completion<QuestionAnswer>): void;
  /** Ends the exchange. Either this or {@link fail} is called, once. */
  answer(answer: Answer): void;
  /** @param error a `GatewayError`; others are logged and reported as internal */
  fail(error: unknown): void;
}

/** The JSON text of a result or an error object. */
export type Answer =
  | ResultAnswer
  | { readonly kind: 'error'; readonly payload: Payload; readonly code: number };

/** The JSON text of a result. */
export interface ResultAnswer {
  readonly kind: 'result';
  readonly payload: Payload;
  /** The members of a payload that is text; undefined: nobody has read them since it was edited. */
  readonly result?: ObjectText | undefined;
  /** The result has `isError: true`. */
  readonly isError?: true;
  /**
   * Set if the result does not complete the request: `input_required`, or the type of an extension. MCP 2026-07-28, Results.
   * The payload has no such member. That of a complete result of a tool may have it on the way to a caller of the modern era,
   * whose edge sets it, and the server's identity, anew.
   */
  readonly resultType?: string;
  /** How long the result may be cached, if its server says so. MCP 2026-07-28, Caching. The payload never has the hints. */
  readonly cache?: CacheHints;
}

export interface CacheHints {
  readonly ttlMs: number;
  readonly scope: 'public' | 'private';
}
