import { expect, test } from 'bun:test';
import { eventChannel } from '../support/event-channel.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { stickyBalancer } from '../support/sticky-balancer.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

test('behind a balancer with a cookie, a session stays with its backend to the end', async () => {
  const backend = () => fakeUpstream({ onGet: () => eventChannel().response });
  await using first = await backend();
  await using second = await backend();
  await using balancer = await stickyBalancer(first.port, second.port);
  await using gateway = await startGateway({
    // The balancer counts turns, so that nothing must come before `initialize`.
    servers: [{ name: 'up', url: balancer.url, era: 'legacy', headers: { Cookie: 'key=configured' } }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let index = 0; index < 50; index++) {
    expect(await session.callText('up__echo', { index })).toBe(`{"index":${index}}`);
  }
  await waitUntil('the stream', () => balancer.passed.some(({ method }) => method === 'GET'));
  await gateway.reload({ servers: [] });
  await waitUntil('the leave', () => balancer.passed.some(({ method }) => method === 'DELETE'));

  expect(first.messages('initialize')).toHaveLength(1);
  expect(first.executions('echo')).toBe(50);
  expect(second.received).toEqual([]);
  const [opening, ...later] = balancer.passed;
  expect(opening?.cookie).toBe('key=configured');
  expect(new Set(later.map(({ cookie }) => cookie))).toEqual(
    new Set(['key=configured; SERVERID=b0; route=x']),
  );
  expect(gateway.logs.join('')).not.toContain('SERVERID');
});

test('HTTP+SSE sends back the cookie that its stream set', async () => {
  await using first = await fakeSse();
  await using second = await fakeSse();
  await using balancer = await stickyBalancer(...[first, second].map(({ url }) => Number(new URL(url).port)));
  await using gateway = await startGateway({ servers: [{ name: 'up', url: balancer.url, protocol: 'sse' }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let index = 0; index < 10; index++) {
    expect(await session.callText('up__echo', { index })).toBe(`{"index":${index}}`);
  }
  expect(first.messages('initialize')).toHaveLength(1);
  expect(second.received).toEqual([]);
});

test('a new session begins without the cookies of the last one', async () => {
  await using upstream = await fakeUpstream();
  await using balancer = await stickyBalancer(upstream.port);
  await using gateway = await startGateway({ servers: [{ name: 'up', url: balancer.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  upstream.forgetSessions();
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  const openings = upstream.received.filter(({ message }) => message.method === 'initialize');
  expect(openings.map(({ headers }) => headers.get('cookie'))).toEqual([null, null]);
  expect(upstream.received.at(-1)?.headers.get('cookie')).toBe('SERVERID=b0; route=x');
});

test('cookies and session ids that a server repeats are not shown', async () => {
  await using upstream = await fakeUpstream({
    onPost: ({ method, id, params }, { headers }) => {
      if (method === 'initialize') {
        const result = {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'x', version: '1' },
        };
        return Response.json(
          { jsonrpc: '2.0', id, result },
          { headers: { 'mcp-session-id': 'session-4711', 'set-cookie': 'key=cookie-0815' } },
        );
      }
      if (method !== 'tools/call') return undefined;
      const found = `${headers.get('cookie')} of ${headers.get('mcp-session-id')} may not do this`;
      return new Response(found, { status: 403 });
    },
    sessions: false,
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/call', { name: 'up__echo' });
  expect(answer.error).toEqual({
    code: -32000,
    message: 'upstream "up": answered HTTP 403: "key=[redacted] of [redacted] may not do this"',
    data: { server: 'up', reason: 'upstream_auth_failed' },
  });
  expect(gateway.logs.join('')).not.toMatch(/session-4711|cookie-0815/);
});
