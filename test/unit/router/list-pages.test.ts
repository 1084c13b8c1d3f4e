import { describe, expect, test } from 'bun:test';
import type { Exchange } from '../../../src/protocol/exchange.ts';
import type { ResponseMessage } from '../../../src/protocol/messages.ts';
import { listPages } from '../../../src/router/list-pages.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import type { Completion } from '../../../src/runtime/completion.ts';
import type { UpstreamCall } from '../../../src/upstream/pending-request.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';

/** The numbers of the members of each page of an upstream that answers so, and the cursors that it got. */
async function pagesOf(answer: (page: number) => Partial<ResponseMessage>, request_seconds = 60) {
  const cursors: (string | undefined)[] = [];
  const upstream = {
    config: { timeouts: { request_seconds } },
    call({ params }: UpstreamCall, _edit: unknown, _again: boolean, done: Completion<ResponseMessage>) {
      cursors.push(params?.string('cursor'));
      done.resolve({ payload: '{}', ...answer(cursors.length) } as ResponseMessage);
    },
  } as unknown as Upstream;
  const exchange = { method: 'tasks/list', signal: new Abort() } as unknown as Exchange;
  const sizes: number[] = [];
  for await (const { result } of listPages(upstream, exchange)) sizes.push(result.size);
  return { sizes, cursors };
}

describe('the pages of a list', () => {
  test('are read until one names no other', async () => {
    const pages = await pagesOf((page) => ({ payload: page < 3 ? `{"nextCursor":"c${page}"}` : '{}' }));
    expect(pages).toEqual({ sizes: [1, 1, 0], cursors: [undefined, 'c1', 'c2'] });
  });

  test('are a hundred at most', async () => {
    const { sizes } = await pagesOf(() => ({ payload: '{"nextCursor":"same"}' }));
    expect(sizes).toHaveLength(100);
  });

  test('fail with the error of one', async () => {
    const pages = pagesOf(() => ({ error: { code: -32050, message: 'no' } }));
    await expect(pages).rejects.toThrow('refused tasks/list: error -32050');
  });

  test('fail if they are too long together', async () => {
    const payload = JSON.stringify({ nextCursor: 'c', text: 'x'.repeat(6 * 1024 * 1024) });
    const pages = pagesOf(() => ({ payload }));
    await expect(pages).rejects.toThrow('answered tasks/list with more than 16777216 characters');
  });

  test('fail if they take longer together than one request may', async () => {
    const slow = (page: number) => {
      if (page === 2) Bun.sleepSync(30);
      return { payload: '{"nextCursor":"c"}' };
    };
    await expect(pagesOf(slow, 0.02)).rejects.toThrow('answered 2 pages of tasks/list within 0.02 s');
  });
});
