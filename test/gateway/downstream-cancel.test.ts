import { describe, expect, test } from 'bun:test';
import { sseEvent, streamed } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { acceptBoth, messagesOf, RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

/** A gateway to an upstream that answers only calls with `{ prompt: true }`; with `progress`, it reports a step first. */
async function stuck({ progress }: { progress: boolean }) {
  const calls: RpcMessage[] = [];
  /** The number of responses that the gateway aborted. */
  let closed = 0;
  const upstream = await fakeUpstream({
    onPost(message) {
      if (message.method !== 'tools/call' || message.params.arguments.prompt) return undefined;
      calls.push(message);
      async function* events() {
        const { progressToken } = message.params._meta ?? {};
        const params = { progressToken, progress: 1 };
        yield progress
          ? sseEvent({ jsonrpc: '2.0', method: 'notifications/progress', params })
          : ': open\n\n';
        try {
          // Only a write notices the end of the connection.
          for (let comments = 0; comments < 3_000; comments++) {
            await Bun.sleep(10);
            yield ': waiting\n\n';
          }
        } finally {
          closed++;
        }
      }
      return streamed(events(), { headers: { 'content-type': 'text/event-stream' } });
    },
  });
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  return {
    gateway,
    upstream,
    calls,
    called: (count: number) => waitUntil(`${count} calls upstream`, () => calls.length === count),
    /** Waits until the upstream was asked to cancel exactly its calls, and their requests are closed. */
    async cancelled() {
      const told = () =>
        upstream
          .messages('notifications/cancelled')
          .map(({ params }) => params.requestId)
          .toSorted();
      await waitUntil('the cancellation upstream', () => told().length === calls.length);
      expect(told()).toEqual(calls.map(({ id }) => id).toSorted());
      await waitUntil('the end of the requests upstream', () => closed === calls.length);
    },
    cancelledCount: async () =>
      (await gateway.metrics()).value('mcpstead_tool_call_errors_total', {
        server: 'up',
        tool: 'echo',
        reason: 'cancelled',
      }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const call = (id: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'up__echo', arguments: {}, _meta: { progressToken: 1 } },
});

describe('notifications/cancelled', () => {
  test.each([
    ['1', '1'],
    ['"a"', '"a"'],
    ['12345678901234567890', '12345678901234567890'],
  ])('cancels the call of id %s upstream, and answers it', async (idText, requestId) => {
    await using to = await stuck({ progress: false });
    await using session = await RawSession.open(to.gateway.url);
    const answering = session.post(JSON.stringify(call(0)).replace('"id":0', `"id":${idText}`));
    await to.called(1);
    const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${requestId}}}`;
    expect((await session.post(cancel)).status).toBe(202);
    const answer = (await (await within('the answer', answering)).json()) as RpcMessage;
    expect(answer.error).toEqual({
      code: -32000,
      message: expect.stringContaining('cancelled'),
      data: { server: 'up', reason: 'cancelled' },
    });
    await to.cancelled();
    expect(await to.cancelledCount()).toBe(1);
  });

  test('ends a stream that has begun with the answer', async () => {
    await using to = await stuck({ progress: true });
    await using session = await RawSession.open(to.gateway.url);
    const messages = messagesOf(await session.post(call(1)));
    expect((await messages.next()).value?.method).toBe('notifications/progress');
    await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    expect((await within('the answer', messages.next())).value?.error.data.reason).toBe('cancelled');
    expect((await messages.next()).done).toBe(true);
    await to.cancelled();
  });

  test('of another session, or of none, cancels nothing', async () => {
    await using to = await stuck({ progress: false });
    await using session = await RawSession.open(to.gateway.url);
    await using other = await RawSession.open(to.gateway.url);
    const answering = session.post(call(1));
    await to.called(1);
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    expect((await other.post(cancel)).status).toBe(202);
    expect((await rawPost(to.gateway.url, cancel)).status).toBe(202);
    // A round trip through the upstream: a cancellation would have arrived before.
    await other.callText('up__echo', { prompt: true });
    expect(await to.cancelledCount()).toBe(0);
    expect(to.upstream.messages('notifications/cancelled')).toEqual([]);
    expect((await session.post(cancel)).status).toBe(202);
    expect(((await (await answering).json()) as RpcMessage).error.data.reason).toBe('cancelled');
    await to.cancelled();
  });
});

describe('a client without a session that goes away cancels its call upstream', () => {
  test.each([
    ['while it waits for JSON', { accept: 'application/json' }, false],
    ['while nothing is decided', { accept: acceptBoth }, false],
    ['while it waits for a stream', { accept: 'text/event-stream' }, false],
    ['while it reads a stream', { accept: acceptBoth }, true],
  ])('%s', async (_name, headers, progress) => {
    await using to = await stuck({ progress });
    const abort = new AbortController();
    const answering = fetch(to.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(call(1)),
      signal: abort.signal,
    });
    if (progress) {
      const reader = (await answering).body?.getReader();
      await reader?.read();
    }
    await to.called(1);
    abort.abort();
    await answering.catch(() => {});
    await to.cancelled();
    expect(await to.cancelledCount()).toBe(1);
  });

  test('with a batch, all of its calls', async () => {
    await using to = await stuck({ progress: false });
    const abort = new AbortController();
    const answering = fetch(to.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: acceptBoth },
      body: JSON.stringify([call(1), call(2), call(3)]),
      signal: abort.signal,
    });
    await to.called(3);
    abort.abort();
    await answering.catch(() => {});
    await to.cancelled();
  });
});

test('DELETE of a session cancels its calls and closes its stream', async () => {
  await using to = await stuck({ progress: false });
  const session = await RawSession.open(to.gateway.url);
  const stream = await session.listen();
  const calls = [session.post(call(1)), session.post(call(1))];
  await to.called(2);
  await session[Symbol.asyncDispose]();
  for (const answering of calls) {
    const answer = (await (await within('the answer', answering)).json()) as RpcMessage;
    expect(answer.error.data.reason).toBe('cancelled');
  }
  await within('the end of the stream', Array.fromAsync(stream));
  await to.cancelled();
});
