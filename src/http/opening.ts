import { errorResponse } from '../downstream/error-answers.ts';
import { GatewayError } from '../errors.ts';
import { maxFreeBytes } from '../runtime/byte-budget.ts';
import { mayExceed } from './request-body.ts';

/** The most requests that wait at a time. Bun has their bodies in memory, which are no longer than {@link maxFreeBytes}. */
const maxWaiting = 1_000;
/** A client whose request could not wait may retry after this time. */
const retryAfterSeconds = 1;

/** Lets requests wait until the gateway serves. No token is checked before that, so their number and size are bounded. */
export class Opening {
  readonly #outcome = Promise.withResolvers<'open' | 'given up'>();
  #waiting = 0;

  /** Lets the requests that wait go on. */
  open(): void {
    this.#outcome.resolve('open');
  }

  /** Refuses all requests, because the gateway will not serve. */
  giveUp(): void {
    this.#outcome.resolve('given up');
  }

  /** Resolves to null when the request may be answered, or to its refusal: 503, and nothing was executed. */
  async wait(request: Request): Promise<Response | null> {
    if (this.#waiting >= maxWaiting)
      return refusal(`the gateway is starting, and ${maxWaiting} requests wait for it already`);
    if (mayExceed(request.headers, maxFreeBytes)) {
      const response = refusal(
        `the gateway is starting, and takes bodies of at most ${maxFreeBytes} bytes until then`,
      );
      // Bun discards the rest of an unread body before the next request.
      response.headers.set('connection', 'close');
      return response;
    }
    this.#waiting += 1;
    const outcome = await Promise.race([this.#outcome.promise, abortOf(request.signal)]);
    this.#waiting -= 1;
    // Nobody would get the result of a call whose client is gone.
    if (outcome === 'open' && !request.signal.aborted) return null;
    return refusal('the start of the gateway has failed or was aborted');
  }
}

function abortOf(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}

function refusal(why: string): Response {
  const message = `${why}; nothing was executed, so the request may be sent again`;
  const response = errorResponse(new GatewayError('unavailable', message));
  response.headers.set('retry-after', String(retryAfterSeconds));
  return response;
}
