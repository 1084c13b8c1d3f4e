import { toHttpFailure } from '../http-client/http-failure.ts';
import type { HttpResponse } from '../http-client/response.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { deadlines, sleep } from '../runtime/deadlines.ts';
import type { BridgeHeaders, GatewayEndpoint } from './gateway-endpoint.ts';
import type { GatewayLink } from './gateway-link.ts';
import { readMessages } from './response-messages.ts';

/** How often a message is sent again whose connection broke, and the pause before. */
const maxBreaks = 2;
const breakPauseMs = 100;

/** A message of the bridge itself, or one of the client that gets no answer. */
interface OwnMessage {
  readonly text: string;
  readonly headers: () => BridgeHeaders | Promise<BridgeHeaders>;
  /** For all of it: waiting for the gateway, sending, and its answer. */
  readonly timeoutMs: number;
}

/** What came back for an {@link OwnMessage}. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: BridgeHeaders;
  /** The id of the session that the response names, or null. */
  header(name: string): string | null;
  /** The answer; undefined: there is none. */
  readonly message: ResponseMessage | undefined;
  /** The body of a refusal. */
  readonly refusal: string;
}

/**
 * POSTs a message, again if no gateway was there. Rejects if there is none in time, or if the connection breaks.
 * @param signal aborts all of it
 */
export async function postOwn(link: GatewayLink, own: OwnMessage, signal: Signal): Promise<OwnAnswer> {
  const endMs = performance.now() + own.timeoutMs;
  const abort = new Abort();
  const stop = () => abort.abort(signal.reason);
  const deadline = deadlines.add(own.timeoutMs, () =>
    abort.abort(new Error('the gateway did not answer in time')),
  );
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  let breaks = 0;
  try {
    for (;;) {
      const endpoint = await link.endpoint(abort, endMs);
      const headers = await own.headers();
      try {
        const response = await endpoint.fetch({ method: 'POST', body: own.text, headers, abort });
        link.works(endpoint);
        return await answerIn(response, endpoint, headers);
      } catch (error) {
        if (abort.aborted) throw abort.reason;
        const failure = toHttpFailure(error);
        if (failure.kind === 'refused' || failure.kind === 'exhausted') link.lost(endpoint, failure, true);
        // Once more does no harm: an answer counts once, and all else changes nothing.
        else if (failure.kind === 'broken' && breaks++ < maxBreaks) await sleep(breakPauseMs, abort);
        else throw failure;
      } finally {
        endpoint.done(abort);
      }
    }
  } finally {
    deadline.clear();
    signal.removeEventListener('abort', stop);
  }
}

async function answerIn(
  response: HttpResponse,
  endpoint: GatewayEndpoint,
  headers: BridgeHeaders,
): Promise<OwnAnswer> {
  const { status } = response;
  const header = (name: string) => response.header(name);
  if (!response.ok)
    return { status, headers, header, message: undefined, refusal: await response.beginning() };
  let answer: ResponseMessage | undefined;
  await readMessages(response, {
    heard: () => endpoint.heard(),
    take({ message }) {
      if (message.kind === 'response') answer = message;
      return undefined;
    },
  });
  return { status, headers, header, message: answer, refusal: '' };
}
