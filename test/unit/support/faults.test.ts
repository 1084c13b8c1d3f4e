import { describe, expect, test } from 'bun:test';
import {
  cutAfter,
  endless,
  hangUp,
  never,
  sse,
  sseEvent,
  staleSessionDialects,
} from '../../support/answers.ts';
import { connectV1 } from '../../support/clients.ts';
import { fakeUpstream } from '../../support/fake-upstream.ts';
import { messagesOf, RawSession, rawPost } from '../../support/rpc.ts';
import { startSdkV1 } from '../../support/sdk-v1.ts';
import { silentUpstream, tcpProxy, tcpUpstream } from '../../support/tcp.ts';
import { selfSignedCertificate } from '../../support/tls.ts';
import { freePort, waitUntil } from '../../support/wait.ts';

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { a: 1 } } };

describe('a fake upstream without a fault', () => {
  test('serves an SDK client and records what it received', async () => {
    await using upstream = await fakeUpstream();
    {
      await using client = await connectV1(upstream.url);
      expect(await client.toolNames()).toEqual(['echo']);
      expect(await client.call('echo', { a: 1 })).toEqual({ text: '{"a":1}', progress: [] });
    }
    expect(upstream.executions('echo')).toBe(1);
    expect(upstream.messages('tools/call')[0]?.params.arguments).toEqual({ a: 1 });
    expect(upstream.received[0]?.headers.get('accept')).toBe('application/json, text/event-stream');
    expect(upstream.received.at(-1)?.httpMethod).toBe('DELETE');
  });

  test('starts again on the same port, without its sessions', async () => {
    await using upstream = await fakeUpstream();
    const session = await RawSession.open(upstream.url);
    await upstream.stop();
    await expect(session.request('tools/list')).rejects.toThrow();
    await upstream.start();
    expect((await session.request('tools/list')).answer.error.code).toBe(-32001);
  });

  test.each(Object.entries(staleSessionDialects))('can say of a session: %s', async (_name, dialect) => {
    await using upstream = await fakeUpstream({ onUnknownSession: dialect });
    const session = await RawSession.open(upstream.url);
    upstream.forgetSessions();
    const expected = dialect({ id: 1 });
    const response = await session.post(call);
    expect(response.status).toBe(expected.status);
    expect(await response.text()).toBe(await expected.text());
    expect(upstream.executions('echo')).toBe(0);
  });
});

describe('a fake upstream can', () => {
  test('hang up without a byte after it executed the call', async () => {
    await using upstream = await fakeUpstream({ onPost: () => hangUp });
    await expect(rawPost(upstream.url, call)).rejects.toThrow();
    await waitUntil('the execution', () => upstream.executions('echo') === 1);
  });

  test('break off in the middle of an answer', async () => {
    await using upstream = await fakeUpstream({ onPost: () => cutAfter('{"jsonrpc":', 'application/json') });
    const response = await rawPost(upstream.url, call);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test('send an SSE stream chunk by chunk', async () => {
    const event = sseEvent({ jsonrpc: '2.0', id: 1, result: {} });
    await using upstream = await fakeUpstream({ onPost: () => sse(event.slice(0, 9), event.slice(9)) });
    const messages = await Array.fromAsync(messagesOf(await rawPost(upstream.url, call)));
    expect(messages).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });

  test('send without an end, until the reader goes away', async () => {
    await using upstream = await fakeUpstream({
      onPost: () => endless('x'.repeat(65_536), 'application/json'),
    });
    const abort = new AbortController();
    const response = await fetch(upstream.url, { method: 'POST', body: '{}', signal: abort.signal });
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > 1_000_000) break;
    }
    abort.abort();
    expect(bytes).toBeGreaterThan(1_000_000);
  });

  test('leave a request without an answer, and still be stopped', async () => {
    const upstream = await fakeUpstream({ onPost: never });
    const waiting = rawPost(upstream.url, call);
    await waitUntil('the request', () => upstream.received.length === 1);
    await upstream.stop();
    await expect(waiting).rejects.toThrow();
  });

  test('serve over TLS with a certificate that only an unverified connection accepts', async () => {
    await using upstream = await fakeUpstream({ tls: selfSignedCertificate() });
    await expect(fetch(upstream.url)).rejects.toThrow();
    const response = await fetch(upstream.url, { tls: { rejectUnauthorized: false } });
    expect(response.status).toBe(405);
  });
});

describe('below HTTP', () => {
  test('a silent upstream takes the connection and says nothing', async () => {
    using upstream = silentUpstream();
    const signal = AbortSignal.timeout(100);
    await expect(fetch(upstream.url, { signal })).rejects.toThrow('timed out');
    await waitUntil('the deadline', () => signal.aborted);
  });

  test('a TCP upstream can answer anything, or hang up', async () => {
    using rubbish = tcpUpstream(() => 'SSH-2.0-rubbish\r\n');
    await expect(fetch(rubbish.url)).rejects.toThrow();
    using gone = tcpUpstream(() => hangUp);
    await expect(fetch(gone.url)).rejects.toThrow();
  });

  test('a free port refuses connections', async () => {
    await expect(fetch(`http://127.0.0.1:${freePort()}/`)).rejects.toThrow('Unable to connect');
  });

  test('a proxy relays, breaks connections, refuses them, and takes them again', async () => {
    await using server = await startSdkV1();
    using proxy = tcpProxy(server.port);
    const url = `http://127.0.0.1:${proxy.port}/mcp`;
    await using session = await RawSession.open(url);
    expect(await session.callText('big', { chars: 3_000_000 })).toHaveLength(3_000_000);

    const held = session.callText('hold');
    await waitUntil('the call', () => server.executions('hold') === 1);
    proxy.cut();
    await expect(held).rejects.toThrow();
    expect(await session.callText('echo', { message: 'again' })).toBe('again');

    proxy.close();
    await expect(session.callText('echo')).rejects.toThrow();
    proxy.open();
    expect(await session.callText('echo', { message: 'once more' })).toBe('once more');
  });
});
