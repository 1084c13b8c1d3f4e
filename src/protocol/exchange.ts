import type { ObjectText } from '../json/object.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Payload } from '../runtime/owned-bytes.ts';

/**
 * One client request on its way through the gateway, in neutral form: neither edge's era shows in it.
 * The downstream edge makes it, the router finds its owner, the upstream edge answers it.
 */
export interface Exchange {
  readonly method: string;
  /** The JSON text of the method. */
  readonly methodText: string;
  /** When it came, by `performance.now()`. */
  readonly startMs: number;
  readonly params: ObjectText | undefined;
  /** The `_meta` of the params, where it is an object. Throws a `TooManyError` for what is not looked into. */
  readonly meta: ObjectText | undefined;
  /** Aborted when the client cancels or disconnects. */
  readonly signal: Signal;
  /**
   * Sends a notification (progress, log) to the client ahead of the answer. The promise, if any, is there to be
   * awaited: it settles when the client's stream takes more, and so carries back-pressure upstream.
   */
  notify(message: string): Promise<void> | undefined;
  /** Ends the exchange, as {@link fail} does: one of the two, once. */
  answer(answer: Answer): void;
  /** @param error a `GatewayError`: the gateway itself has to refuse or to give up */
  fail(error: unknown): void;
}

/** The end of an exchange: the JSON of a result, or of an error object. */
export type Answer =
  | {
      readonly kind: 'result';
      readonly payload: Payload;
      /** The result has `isError: true`. */
      readonly isError?: true;
    }
  | { readonly kind: 'error'; readonly payload: Payload };
