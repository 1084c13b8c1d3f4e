import { describe, expect, test } from 'bun:test';
import { askedClientV1, askedClientV2 } from '../support/asked-clients.ts';
import { askedResource, askingProgram, startAskingServer } from '../support/asking-server.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { postModern } from '../support/modern-rpc.ts';
import { messagesOf, RawSession, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { leastMs, waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

/** A server that asks, behind a gateway, for clients that share one session. */
async function shared(changes: object = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startAskingServer());
  const gateway = stack.use(
    await startGateway({
      servers: [{ name: 'up', url: server.url, reconnect: promptReconnect, ...changes }],
    }),
  );
  await gateway.connected();
  return { server, gateway, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** How soon a question is refused, in milliseconds. The server must not wait longer than 100. */
const refusedAfterMs = (ask: () => Promise<{ ms: number } | undefined>) => leastMs(ask, 100);

describe.each([
  ['HTTP', {}],
  ['stdio', { url: undefined, ...askingProgram }],
])('over %s', (_transport, settings) => {
  test('a client that lacks the capability is not asked, and the server learns that at once', async () => {
    await using world = await shared(settings);
    await using client = await askedClientV1(world.gateway.url, 'poor', { capabilities: {} });
    for (const [tool, code] of [
      ['up__elicit', -32602],
      ['up__sample', -32601],
      ['up__roots', -32601],
    ] as const) {
      expect((await client.call(tool)).code).toBe(code);
      expect(await refusedAfterMs(() => client.call(tool))).toBeLessThan(100);
    }
    expect(client.asked).toEqual([]);
  });

  const params = { name: 'up__elicit', arguments: {} };
  const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  test.each([
    [
      'of the legacy era without a session',
      'the client has no session',
      (_session: RawSession, url: string) => rawPost(url, request),
    ],
    [
      'of the legacy era that takes no stream',
      'the client accepts no text/event-stream',
      (session: RawSession) => session.post(request, { accept: 'application/json' }),
    ],
    [
      'of the modern era that lacks the capability',
      'the client did not declare the capability "elicitation"',
      (_session: RawSession, url: string) => postModern(url, 'tools/call', { params }),
    ],
  ])('a client %s is not asked, and the server learns that at once', async (_who, why, post) => {
    await using world = await shared(settings);
    const { url } = world.gateway;
    await using session = await RawSession.open(url, { capabilities: { elicitation: {} } });
    const ask = async () => {
      const [answer] = await Array.fromAsync(messagesOf(await post(session, url)));
      return JSON.parse(answer?.result.content[0].text);
    };
    expect(await ask()).toMatchObject({ code: -32602, message: expect.stringContaining(why) });
    expect(await refusedAfterMs(ask)).toBeLessThan(100);
  });
});

describe('over one shared session', () => {
  test('each question reaches the client whose call caused it, and its answer that call', async () => {
    await using world = await shared();
    const { gateway, stack, server } = world;
    const clients = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => {
        const connect = at % 2 ? askedClientV1 : askedClientV2;
        return stack.use(await connect(gateway.url, `client-${at}`));
      }),
    );
    const calls = clients.flatMap((client, at) =>
      Array.from({ length: 5 }, async (_, n) => {
        const { answer } = await client.call('up__elicit', { message: `${at}.${n}` });
        return [at, answer.content.name];
      }),
    );
    expect(await within('all answers', Promise.all(calls))).toEqual(
      clients.flatMap((_, at) => Array(5).fill([at, `client-${at}`])),
    );
    for (const [at, { asked }] of clients.entries())
      expect(asked.toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `${at}.${n}`));
    expect(server.sessionsOpened()).toBe(1);
  });

  test('sampling and roots reach it, too, and sampling sees no context of others', async () => {
    await using world = await shared();
    await using one = await askedClientV1(world.gateway.url, 'one');
    await using two = await askedClientV2(world.gateway.url, 'two');
    const [sample, roots] = await Promise.all([one.call('up__sample'), two.call('up__roots')]);
    expect(sample.answer.model).toBe('one');
    expect(one.asked).toEqual(['context: none']);
    expect(roots.answer.roots).toEqual([{ uri: 'file:///two' }]);
  });

  test('a question on the stream of the session reaches the client of the only running call', async () => {
    await using world = await shared();
    await using client = await askedClientV1(world.gateway.url, 'one');
    const { answer } = await client.call('up__elicit', { stream: 'session' });
    expect(answer.content.name).toBe('one');
  });

  test('it is refused at once while several run, and the error says what to do', async () => {
    await using world = await shared();
    await using client = await askedClientV1(world.gateway.url, 'one');
    const held = client.call('up__hold', { ms: 2_000 });
    const elicit = () => client.call('up__elicit', { stream: 'session' });
    const roots = () => client.call('up__roots', { stream: 'session' });
    // At first, that call may be on its way.
    await waitUntil('a refusal', async () => (await elicit()).code !== undefined);
    const before = client.asked.length;
    const [elicited, rooted] = [await elicit(), await roots()];
    expect([elicited.code, rooted.code]).toEqual([-32602, -32601]);
    expect(elicited.message).toContain('"isolation: session"');
    for (const ask of [elicit, roots]) expect(await refusedAfterMs(ask)).toBeLessThan(100);
    expect(client.asked).toHaveLength(before);
    await held;
  });

  test('it is refused at once while none runs', async () => {
    await using world = await shared();
    const [outcome] = await world.server.askSessions();
    expect(outcome).toMatchObject({ code: -32601 });
    const page = await world.gateway.metrics();
    const refused = { kind: 'roots', result: 'refused' };
    expect(page.value('mcpstead_client_requests_total', refused)).toBe(1);
    expect(await refusedAfterMs(async () => (await world.server.askSessions())[0])).toBeLessThan(100);
  });

  test('a question that the server withdraws is withdrawn from the client', async () => {
    await using world = await shared();
    await using client = await askedClientV1(world.gateway.url, 'slow', { answers: false });
    expect((await client.call('up__withdraw')).message).toContain('changed my mind');
    await waitUntil('the withdrawal', () => client.told.includes('withdrawn'));
  });

  test('the end of an elicitation by URL is told to its client, after the call and after an error', async () => {
    await using world = await shared();
    const { gateway } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV1(gateway.url, 'two');
    expect((await one.call('up__sign_in')).answer.action).toBe('accept');
    await waitUntil('the end', () => one.told.includes('complete true'));
    await expect(two.call('up__required')).rejects.toMatchObject({
      code: -32042,
      data: { elicitations: [{ elicitationId: 'r1' }] },
    });
    await waitUntil('the end', () => two.told.includes('complete true'));
    expect(one.told).toHaveLength(1);
  });

  test('log messages of a call reach its client; those of no single call are dropped and counted', async () => {
    await using world = await shared();
    const { gateway, server } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV2(gateway.url, 'two');
    await Promise.all([one.call('up__log', { message: 'a' }), two.call('up__log', { message: 'b' })]);
    await one.call('up__log', { stream: 'session', message: 'c' });
    await server.logToSessions('d');
    const dropped = async () => (await gateway.health()).servers[0]?.log_messages_dropped;
    await waitUntil('the count', async () => (await dropped()) === 1);
    expect([one.told, two.told]).toEqual([['log a', 'log c'], ['log b']]);
  });

  test('the level of log messages at the server is that of the most verbose client', async () => {
    await using world = await shared();
    await using one = await askedClientV1(world.gateway.url, 'one');
    await using two = await askedClientV1(world.gateway.url, 'two');
    await one.setLevel('info');
    await one.call('up__count');
    await two.setLevel('debug');
    await two.call('up__count');
    await one.setLevel('error');
    await one.call('up__count');
    expect(world.server.levels).toEqual(['info', 'debug']);
  });

  test('a kill of the server during an elicitation ends the call, and withdraws the question', async () => {
    await using world = await shared();
    const { gateway, server } = world;
    await using client = await askedClientV1(gateway.url, 'slow', { answers: false });
    const failed = client.call('up__elicit').then(
      () => 'answered',
      (error) => error.data,
    );
    await waitUntil('the question', () => client.asked.length === 1);
    await server.stop();
    expect(await within('the failure', failed)).toEqual({ server: 'up', reason: 'upstream_disconnected' });
    await waitUntil('the withdrawal', () => client.told.includes('withdrawn'));
    await server.start();
    await gateway.connected();
    expect(await client.call('up__count')).toBe(1);
  });

  test('the deadline of a call rests while its client is asked', async () => {
    await using world = await shared({ timeouts: { request_seconds: 0.3 } });
    await using session = await RawSession.open(world.gateway.url, { capabilities: { elicitation: {} } });
    const request = { jsonrpc: '2.0', id: 'c', method: 'tools/call', params: { name: 'up__elicit' } };
    const response = await session.post(request);
    const reader = response.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    const id = /"id":(\d+)/.exec(first)?.[1];
    await Bun.sleep(700);
    await session.post(`{"jsonrpc":"2.0","id":${id},"result":{"action":"decline"}}`);
    const second = new TextDecoder().decode((await reader?.read())?.value);
    expect(second).toContain('decline');
  });
});

describe('a subscription to a resource', () => {
  test('brings its updates, and is taken up again after a reconnect, which counts as an update', async () => {
    await using world = await shared();
    const { gateway, server } = world;
    await using client = await askedClientV1(gateway.url, 'one');
    await client.subscribe(askedResource);
    expect(server.subscriptions()).toEqual([askedResource]);
    await server.touch(askedResource);
    await waitUntil('the update', () => client.told.length === 1);
    await server.stop();
    await server.start();
    await waitUntil('the subscription', () => server.subscriptions().length === 1);
    await waitUntil('the report', () => client.told.length === 2);
    await waitUntil('the stream of the new session', async () => {
      await server.touch(askedResource);
      return client.told.length > 2;
    });
    expect(new Set(client.told)).toEqual(new Set([`updated ${askedResource}`]));
  });

  test('is taken up again in a session that replaces one that the server has lost', async () => {
    await using world = await shared();
    const { gateway, server } = world;
    await using client = await askedClientV2(gateway.url, 'one');
    await client.subscribe(askedResource);
    await server.forgetSessions();
    await client.call('up__count');
    await waitUntil('the subscription', () => server.subscriptions().length === 1);
    await waitUntil('the report', () => client.told.length === 1);
  });
});
