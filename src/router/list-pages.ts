import type { Exchange } from '../protocol/exchange.ts';
import { UpstreamFailure } from '../upstream/failure.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { askUpstream, type InnerAnswer } from './inner-call.ts';

/** The most pages of one list of an upstream, and the length of all together. */
const maxPages = 100;
const maxChars = 16 * 1024 * 1024;

/**
 * The pages of a list of one upstream, which the gateway merges with those of others to answer `exchange`. Pages beyond
 * the bound are left out. Throws an {@link UpstreamFailure}, also if they are too long, or take longer than one request may.
 */
export async function* listPages(upstream: Upstream, exchange: Exchange): AsyncGenerator<InnerAnswer> {
  const { method, signal } = exchange;
  const { request_seconds } = upstream.config.timeouts;
  const endMs = performance.now() + request_seconds * 1000;
  let chars = 0;
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    if (performance.now() > endMs)
      throw new UpstreamFailure('timeout', `answered ${page} pages of ${method} within ${request_seconds} s`);
    const answer = await askUpstream(upstream, exchange, method, JSON.stringify({ cursor }), signal);
    const { error, result } = answer;
    if (error) throw new UpstreamFailure('returned_error', `refused ${method}: error ${error.code}`);
    chars += result.end - result.start;
    if (chars > maxChars)
      throw new UpstreamFailure('protocol', `answered ${method} with more than ${maxChars} characters`);
    yield answer;
    cursor = result.string('nextCursor');
    if (!cursor) return;
  }
}
