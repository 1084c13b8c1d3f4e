import { describe, expect, test } from 'bun:test';
import { cutAfter, rpcError, rpcResult, sse, sseEvent } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { echoTool, type FakeAnswer, type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, settle, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

type FakeAnswerTo = (message: RpcMessage) => FakeAnswer;

const tool = (name: string) => ({ ...echoTool, name });
const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
const lists = (upstream: FakeUpstream) => upstream.messages('tools/list').length;

/** The names of the tools that the gateway lists. */
async function listed(gateway: TestGateway): Promise<string[]> {
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/list');
  return answer.result.tools.map(({ name }: { name: string }) => name);
}

/** An upstream with a list of tools that the test changes, and a GET stream to announce changes. */
async function changingUpstream(onList?: (message: RpcMessage) => Promise<void> | void) {
  const tools = [tool('one')];
  const streams: EventChannel[] = [];
  const upstream = await fakeUpstream({
    onGet() {
      const stream = eventChannel();
      streams.push(stream);
      return stream.response;
    },
    async onPost(message) {
      if (message.method !== 'tools/list') return undefined;
      // The list is of the time of the request, as in a server that takes a while to answer.
      const answer = rpcResult(message.id, { tools: [...tools] });
      await onList?.(message);
      return answer;
    },
  });
  return Object.assign(upstream, { tools, announce: () => streams.at(-1)?.send(changed) });
}

/** Collects the `list_changed` notifications that a client gets. */
async function listener(gateway: TestGateway) {
  // Lets the notification of the first list pass.
  await settle();
  const session = await RawSession.open(gateway.url);
  const told: string[] = [];
  const reading = (async () => {
    for await (const { method } of await session.listen()) told.push(String(method));
  })();
  return {
    told,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await reading.catch(() => {});
    },
  };
}

describe('a list in pages', () => {
  const paged = (page: (cursor: string | undefined) => object) =>
    fakeUpstream({
      onPost: ({ id, method, params }) =>
        method === 'tools/list' ? rpcResult(id, page(params?.cursor)) : undefined,
    });

  test('is followed to its end', async () => {
    await using upstream = await paged((cursor) => {
      const page = Number(cursor ?? 0);
      return { tools: [tool(`t${page}`)], ...(page < 30 && { nextCursor: String(page + 1) }) };
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(await listed(gateway)).toEqual(Array.from({ length: 31 }, (_, page) => `up__t${page}`));
    expect(upstream.messages('tools/list')[0]?.params).toEqual({});
    expect(upstream.messages('tools/list')[1]?.params).toEqual({ cursor: '1' });
  });

  test('may end with an empty cursor, as some servers write it', async () => {
    await using upstream = await paged(() => ({ tools: [tool('one')], nextCursor: '' }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(lists(upstream)).toBe(1);
  });

  test.each<[string, object, number]>([
    ['repeats its cursor', { tools: [tool('one')], nextCursor: 'again' }, 2],
    ['has a cursor that is no string', { tools: [tool('one')], nextCursor: 2 }, 1],
  ])('that %s ends there, with a warning', async (_name, page, requests) => {
    await using upstream = await paged(() => page);
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
    });
    await gateway.connected();
    expect(await listed(gateway)).toEqual(['up__one']);
    expect(lists(upstream)).toBeGreaterThanOrEqual(requests);
    await waitUntil('refreshes', () => lists(upstream) >= 4 * requests);
    expect(gateway.logs.filter((line) => line.includes('"level":"warn"'))).toHaveLength(1);
  });

  test.each<[string, object]>([
    ['has no list', { tool: [] }],
    ['has null for a list', { tools: null }],
    ['has an empty object for a list', { tools: {} }],
  ])('that %s counts as empty', async (_name, page) => {
    await using upstream = await paged((cursor) =>
      cursor === undefined ? { ...page, nextCursor: 'x' } : { tools: [tool('one')], nextCursor: null },
    );
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(await listed(gateway)).toEqual(['up__one']);
    expect(lists(upstream)).toBe(2);
  });

  test.each<[string, FakeAnswerTo, string]>([
    ['an error', ({ id }) => rpcError(id, -32602, 'Invalid cursor'), 'Invalid cursor (error -32602)'],
    ['HTTP 500', () => new Response(null, { status: 500 }), 'answered HTTP 500'],
    ['an empty body', () => new Response(null), 'answered with an empty body'],
    ['a text for a list', ({ id }) => rpcResult(id, { tools: 'x' }), 'it holds no list of tools'],
  ])('with %s as its second page ends with the first one, with a warning', async (_name, second, fault) => {
    await using upstream = await fakeUpstream({
      onPost(message) {
        if (message.method !== 'tools/list') return undefined;
        if (message.params?.cursor === 'x') return second(message);
        return rpcResult(message.id, { tools: [tool('one')], nextCursor: 'x' });
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(await listed(gateway)).toEqual(['up__one']);
    const warnings = gateway.logs.filter((line) => line.includes('"level":"warn"'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(fault);
  });

  test('keeps its old state if the second page is no longer available', async () => {
    let fails = false;
    await using upstream = await fakeUpstream({
      onPost({ id, method, params }) {
        if (method !== 'tools/list') return undefined;
        if (params?.cursor === undefined) return rpcResult(id, { tools: [tool('one')], nextCursor: 'x' });
        return fails ? rpcError(id, -32603, 'Internal error') : rpcResult(id, { tools: [tool('two')] });
      },
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
    });
    await gateway.connected();
    fails = true;
    const before = lists(upstream);
    await waitUntil('refreshes', () => lists(upstream) >= before + 6);
    expect(await listed(gateway)).toEqual(['up__one', 'up__two']);
    expect(upstream.messages('initialize')).toHaveLength(1);
  });

  test('that becomes invalid after it had tools causes a new session', async () => {
    await using upstream = await fakeUpstream({
      onUnknownSession: ({ id }) => rpcResult(id, { page: '<h1>Please log in</h1>' }),
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
    });
    await gateway.connected();
    upstream.forgetSessions();
    await waitUntil('a new session', () => upstream.messages('initialize').length === 2);
    await gateway.connected();
    expect(await listed(gateway)).toEqual(['up__echo']);
  });

  test('that is a string is refused', async () => {
    await using upstream = await paged(() => ({ tools: 'one' }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    const { servers } = await gateway.waitFor(
      'the cause',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]).toMatchObject({
      connected: false,
      last_error: 'answered tools/list without a list of tools',
    });
  });

  test('that never ends is refused after 1000 pages', async () => {
    await using upstream = await paged((cursor) => ({ tools: [], nextCursor: `${Number(cursor ?? 0) + 1}` }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    const { servers } = await gateway.waitFor(
      'the cause',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe('lists its tools on more than 1000 pages');
    expect(lists(upstream)).toBe(1000);
  });

  test('of too many tools, or of too many characters, is refused', async () => {
    const many = Array.from({ length: 60_000 }, (_, index) => tool(`t${index}`));
    await using crowd = await paged((cursor) => ({
      tools: cursor === undefined ? many : many.map(({ name }) => tool(`${name}${cursor}`)),
      nextCursor: cursor === undefined ? 'x' : 'y',
    }));
    const wordy = { ...tool('one'), description: 'x'.repeat(40 * 1024 * 1024) };
    await using verbose = await paged((cursor) => ({
      tools: [{ ...wordy, name: `t${cursor ?? ''}` }],
      nextCursor: `${cursor ?? ''}x`,
    }));
    await using gateway = await startGateway({
      servers: [
        { name: 'crowd', url: crowd.url },
        { name: 'verbose', url: verbose.url },
      ],
    });
    const { servers } = await gateway.waitFor(
      'the causes',
      (health) => health.servers.every((up) => up.last_error !== null),
      30_000,
    );
    expect(servers.map(({ last_error }) => last_error)).toEqual([
      'lists more than 100000 tools',
      'lists its tools in more than 67108864 characters',
    ]);
  });

  test('of many tools is served whole', async () => {
    await using upstream = await fakeUpstream({
      tools: Array.from({ length: 5_000 }, (_, index) => tool(`t${index}`)),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    const names = await listed(gateway);
    expect(names).toHaveLength(5_000);
    expect(names.at(-1)).toBe('up__t4999');
  });

  test.each([
    ['an error', (id: RpcMessage['id']) => rpcError(id, -32603, 'page lost')],
    ['an answer cut short', () => cutAfter('{"jsonrpc"', 'application/json')],
    ['rubbish', () => new Response('<html>')],
  ])('with %s in place of page 2 leaves the tools as they were', async (_name, fault) => {
    let faulty = false;
    await using upstream = await fakeUpstream({
      onPost: ({ id, method, params }) => {
        if (method !== 'tools/list') return undefined;
        // The first page decides on the second: the fault may end in between.
        if (params?.cursor === undefined) {
          const first = faulty
            ? { tools: [tool('new')], nextCursor: 'fault' }
            : { tools: [tool('one')], nextCursor: '2' };
          return rpcResult(id, first);
        }
        return params.cursor === 'fault' ? fault(id) : rpcResult(id, { tools: [tool('two')] });
      },
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 }, reconnect: promptReconnect }],
    });
    await gateway.connected();
    faulty = true;
    await gateway.waitFor('the fault', ({ servers }) => servers[0]?.last_error !== null);
    expect(await listed(gateway)).toEqual(['up__one', 'up__two']);
    faulty = false;
    await gateway.waitFor('health', ({ servers }) => servers[0]?.last_error === null && servers[0].connected);
    expect(await listed(gateway)).toEqual(['up__one', 'up__two']);
  });

  test('loses tools without a name and the second of two equal names, with one warning', async () => {
    await using upstream = await paged(() => ({
      tools: [
        tool('one'),
        { description: 'nameless' },
        null,
        7,
        tool(''),
        { ...tool('one'), title: 'Second' },
        tool('two'),
      ],
    }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(await listed(gateway)).toEqual(['up__one', 'up__two']);
    const warnings = gateway.logs.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');
    expect(warnings.map(({ server, faults }) => ({ server, faults }))).toEqual([
      {
        server: 'up',
        faults:
          'number 2 is left out: name is missing; number 3 is left out: it is null, not an object; ' +
          'number 4 is left out: it is 7, not an object; number 5 is left out: its name is empty; ' +
          '"one" is left out: another one has its name',
      },
    ]);
  });
});

describe('the list is fetched again', () => {
  test('after its time to live, and clients are notified only of changes', async () => {
    await using upstream = await changingUpstream();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
    });
    await gateway.connected();
    await using client = await listener(gateway);
    const before = lists(upstream);
    await waitUntil('three refreshes', () => lists(upstream) >= before + 3);
    expect(client.told).toEqual([]);

    upstream.tools.push(tool('two'));
    await waitUntil('the word', () => client.told.length > 0);
    expect(await listed(gateway)).toEqual(['up__one', 'up__two']);
    const after = lists(upstream);
    await waitUntil('three more refreshes', () => lists(upstream) >= after + 3);
    expect(client.told).toEqual(['notifications/tools/list_changed']);

    const page = await gateway.metrics();
    expect(page.value('mcpstead_upstream_tools_refresh_total', { server: 'up', result: 'error' })).toBe(0);
    expect(
      page.value('mcpstead_upstream_health_checks_total', { server: 'up', result: 'success' }),
    ).toBeGreaterThanOrEqual(6);
    expect(page.value('mcpstead_upstream_tools_count', { server: 'up' })).toBe(2);
  });

  test('at once when the upstream announces a change, and once for many announcements', async () => {
    await using upstream = await changingUpstream();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using client = await listener(gateway);
    upstream.tools.push(tool('two'));
    for (let word = 0; word < 50; word++) upstream.announce();
    await waitUntil('the word', () => client.told.length > 0);
    expect(await listed(gateway)).toEqual(['up__one', 'up__two']);
    expect(lists(upstream)).toBe(2);
  });

  test('once more when it changed while it was being fetched', async () => {
    let onList: (() => void) | undefined;
    await using upstream = await changingUpstream(() => onList?.());
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    let duringList = 0;
    onList = () => {
      if (duringList++ > 0) return;
      upstream.tools.push(tool('three'));
      upstream.announce();
    };
    upstream.tools.push(tool('two'));
    upstream.announce();
    await gateway.waitFor('all tools', ({ servers }) => servers[0]?.tools_count === 3);
    expect(lists(upstream)).toBe(3);
  });

  test('even when it changed while it was fetched for the first time', async () => {
    let announced = false;
    await using upstream = await changingUpstream(async () => {
      if (announced) return;
      announced = true;
      await waitUntil('the stream', () => upstream.received.some(({ httpMethod }) => httpMethod === 'GET'));
      upstream.tools.push(tool('two'));
      upstream.announce();
      // The notification arrives before the answer.
      await Bun.sleep(20);
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.waitFor('both tools', ({ servers }) => servers[0]?.tools_count === 2);
    expect(lists(upstream)).toBe(2);
  });

  test('over HTTP+SSE, too', async () => {
    await using upstream = await fakeSse();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    upstream.streams[0]?.send(changed);
    await waitUntil('the refresh', () => upstream.messages('tools/list').length === 2);
  });

  test('in a session that was renewed, even if the list of the old one is still awaited', async () => {
    let held = 0;
    const release = Promise.withResolvers<void>();
    await using upstream = await changingUpstream(async () => {
      if (upstream.tools.length === 2 && held++ === 0) await release.promise;
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    upstream.tools.push(tool('two'));
    upstream.announce();
    await waitUntil('the refresh', () => held === 1);
    upstream.forgetSessions();
    await using session = await RawSession.open(gateway.url);
    await session.callText('up__one');
    upstream.tools.push(tool('three'));
    await gateway.waitFor(
      'the tools of the new session',
      ({ servers }) => Number(servers[0]?.tools_count) >= 2,
    );
    release.resolve();
    upstream.announce();
    await gateway.waitFor('all tools', ({ servers }) => servers[0]?.tools_count === 3);
  });
});

test('an upstream that sends list_changed before every answer is not refreshed in a loop', async () => {
  await using upstream = await fakeUpstream({
    sessions: false,
    onPost({ id, method }) {
      const result = method === 'tools/list' ? { tools: [tool('one')] } : { content: [] };
      if (method !== 'tools/list' && method !== 'tools/call') return undefined;
      return sse(sseEvent(changed), sseEvent({ jsonrpc: '2.0', id, result }));
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let calls = 0; calls < 50; calls++) await session.request('tools/call', { name: 'up__one' });
  // The calls cause a refresh at once and one more for all later announcements, and these refreshes cause none.
  await waitUntil('the refreshes', () => lists(upstream) === 3);
  // Longer than the pause between refreshes.
  await Bun.sleep(1_100);
  expect(lists(upstream)).toBe(3);
});

/** An upstream that declares no capabilities, and answers `tools/list` like that. */
const bareUpstream = (onList: (message: RpcMessage) => Response) =>
  fakeUpstream({
    onPost(message) {
      if (message.method === 'tools/list') return onList(message);
      if (message.method !== 'initialize') return undefined;
      const { protocolVersion } = message.params;
      return rpcResult(message.id, {
        protocolVersion,
        capabilities: {},
        serverInfo: { name: 'bare', version: '1' },
      });
    },
  });

describe('an upstream that does not say that it has tools', () => {
  test.each<[string, (message: RpcMessage) => Response]>([
    ['an error', ({ id }) => rpcError(id, -32601, 'Method not found')],
    ['HTTP 405', () => new Response('no such method', { status: 405 })],
    ['a text', () => new Response('no such method')],
  ])('and answers tools/list with %s is checked with a ping instead', async (_name, onList) => {
    await using upstream = await bareUpstream(onList);
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 }, reconnect: promptReconnect }],
    });
    await gateway.waitFor('the connection', ({ servers }) => servers[0]?.connected === true);
    await waitUntil('signs of life', () => upstream.messages('ping').length >= 3);
    expect(lists(upstream)).toBe(1);
    await upstream.stop();
    await gateway.waitFor('the end', ({ servers }) => servers[0]?.connected === false);
  });

  test('but lists some has tools', async () => {
    await using upstream = await bareUpstream(({ id }) => rpcResult(id, { tools: [tool('one')] }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__one')).toBe('{}');
  });
});

test('calls to an upstream whose tools are not known yet are counted as those of one unknown tool', async () => {
  const url = `http://127.0.0.1:${freePort()}/mcp`;
  await using gateway = await startGateway({ servers: [{ name: 'up', url, reconnect: promptReconnect }] });
  await using session = await RawSession.open(gateway.url);
  for (const name of ['up__one', 'up__two']) {
    const { answer } = await session.request('tools/call', { name });
    expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
  }
  const metrics = await gateway.metrics();
  expect(metrics.value('mcpstead_tool_calls_total', { server: 'up', tool: 'unknown' })).toBe(2);
  // Clients must not be able to create series.
  expect(metrics.text).not.toMatch(/tool="(one|two)"/);
});
