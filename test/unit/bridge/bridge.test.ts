import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startAskingServer } from '../../support/asking-server.ts';
import { startGateway } from '../../support/gateway.ts';
import { lineClient, modernMeta } from '../../support/line-client.ts';
import { startSdkV1 } from '../../support/sdk-v1.ts';
import { settle, waitUntil, within } from '../../support/wait.ts';

setDefaultTimeout(30_000);

const text = (answer: { result: { content: { text: string }[] } }) => answer.result.content[0]?.text;

describe('a bridge in front of a gateway', () => {
  test('passes 200 calls on at the same time, and each gets its own answer, whatever their order', async () => {
    await using server = await startSdkV1();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using client = lineClient(gateway.url);
    await client.initialize();
    const calls = Array.from({ length: 200 }, (_, index) => {
      // The later ones are faster.
      const args = { ms: index % 2 === 0 ? 300 : 1, key: `k${index}` };
      const params = { name: 'up__slow', arguments: args };
      return index % 4 < 2
        ? client.request('tools/call', params, index + 1)
        : client.request('tools/call', { ...params, _meta: modernMeta }, `m${index}`);
    });
    const answers = await within('all answers', Promise.all(calls), 25_000);
    expect(answers.map(text)).toEqual(Array.from({ length: 200 }, () => 'done'));
    const order = client.received.filter(({ result }) => result?.content).map(({ id }) => id);
    expect(new Set(order).size).toBe(200);
    expect(order.indexOf(200)).toBe(-1);
    // A slow one that came first is not in the way of a fast one that came last.
    expect(order.indexOf('m199')).toBeLessThan(order.indexOf(1));
  });

  test('passes a call and a result of 4 MiB', async () => {
    await using server = await startSdkV1();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: server.url }],
      mcp: { max_request_bytes: 8 * 1024 * 1024 },
    });
    await gateway.connected();
    await using client = lineClient(gateway.url);
    await client.initialize();
    // The server takes 4 MiB with all that is around it.
    const message = `ä${'x'.repeat(4 * 1024 * 1024 - 1000)}`;
    const legacy = await client.request('tools/call', { name: 'up__echo', arguments: { message } });
    expect(text(legacy) === message).toBe(true);
    const params = { name: 'up__echo', arguments: { message }, _meta: modernMeta };
    expect(text(await client.request('tools/call', params)) === message).toBe(true);
  });

  test('says that a message is too long for the gateway', async () => {
    await using gateway = await startGateway({ servers: [], mcp: { max_request_bytes: 1000 } });
    await using client = lineClient(gateway.url);
    const { error } = await client.request('tools/call', { name: 'a', arguments: { x: 'x'.repeat(2000) } });
    expect(error.message).toContain('1000');
  });

  test('tells the client of changed lists and of updated resources, and lets it change its mind', async () => {
    await using server = await startAskingServer();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using client = lineClient(gateway.url);
    await client.initialize();
    const uri = 'test://watched';
    expect((await client.request('resources/subscribe', { uri })).result).toEqual({});
    await waitUntil('the subscription', () => server.subscriptions().length === 1);
    // The stream of the session opens after the client's "initialized".
    await settle();
    await server.touch(uri);
    const updated = await client.seen(
      'the update',
      ({ method }) => method === 'notifications/resources/updated',
    );
    expect(updated.params).toEqual({ uri });
    await gateway.reload({ servers: [] });
    await client.seen('the change', ({ method }) => method === 'notifications/tools/list_changed');
  });

  test('refuses what is no message, and goes on', async () => {
    await using gateway = await startGateway({ servers: [] });
    await using client = lineClient(gateway.url);
    await client.send('no JSON');
    await client.send('[]');
    await client.send('{"jsonrpc":"1.0","id":7,"method":"ping"}');
    const refused = await client.seen('the refusal', ({ id }) => id === 7);
    expect(refused.error.code).toBe(-32600);
    expect((await client.request('ping')).result).toEqual({});
    expect(client.logs.join()).toContain('a line is not JSON');
    expect(client.received).toHaveLength(2);
  });

  test('answers the elements of a batch one by one', async () => {
    await using gateway = await startGateway({ servers: [] });
    await using client = lineClient(gateway.url);
    await client.send([
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'tools/list' },
    ]);
    await waitUntil('both answers', () => client.received.length === 2);
    expect(client.received.map(({ id }) => id).toSorted()).toEqual([1, 2]);
  });

  test('bounds the requests in flight, and names the bound', async () => {
    using silent = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Promise<Response>(() => {}),
    });
    await using client = lineClient(`http://127.0.0.1:${silent.port}/mcp`);
    for (let id = 0; id < 512; id++) await client.send({ jsonrpc: '2.0', id, method: 'ping' });
    const { error } = await client.request('ping');
    expect(error).toMatchObject({ code: -32000, data: { reason: 'overloaded' } });
    expect(error.message).toContain('512 requests are in flight');
  });
});

describe('a bridge without a gateway', () => {
  test('lets messages wait, then says what is wrong', async () => {
    await using client = lineClient('http://127.0.0.1:9/mcp', { times: { reachMs: 300 } });
    const { error } = await client.request('tools/list');
    expect(error).toMatchObject({ code: -32000, data: { reason: 'gateway_unavailable' } });
    expect(error.message).toContain('connection refused by 127.0.0.1:9');
    const modern = await client.request('tools/list', { _meta: modernMeta });
    expect(modern.error.code).toBe(-32603);
  });

  test('gives up one that takes connections and then says nothing', async () => {
    using silent = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      fetch: () => new Promise<Response>(() => {}),
    });
    const times = { watchMs: 20, silenceMs: 100, probeMs: 100 };
    await using client = lineClient(`http://127.0.0.1:${silent.port}/mcp`, { times });
    const { error } = await client.request('tools/call', { name: 'a' });
    expect(error.message).toContain('takes connections, but has said nothing for');
  });
});

describe('a session that the gateway does not know any more', () => {
  test('is opened again, unseen by the client, for all requests that find it so', async () => {
    await using server = await startSdkV1();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const ids: string[] = [];
    // Tells the ids of the sessions, and is the only way to them.
    using proxy = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        const id = request.headers.get('mcp-session-id');
        if (id !== null && !ids.includes(id)) ids.push(id);
        const { method, headers } = request;
        headers.delete('host');
        const body = method === 'POST' ? await request.text() : null;
        const answer = await fetch(gateway.url, { method, headers, body, signal: request.signal });
        return new Response(answer.body, { status: answer.status, headers: answer.headers });
      },
    });
    await using client = lineClient(`http://127.0.0.1:${proxy.port}/mcp`);
    await client.initialize();
    const echo = (message: string) =>
      client.request('tools/call', { name: 'up__echo', arguments: { message } });
    expect(text(await echo('before'))).toBe('before');
    await waitUntil('the stream', async () =>
      (await gateway.metrics()).value('mcpstead_mcp_requests_total', { method: 'listen', result: 'success' }),
    );
    await fetch(gateway.url, { method: 'DELETE', headers: { 'mcp-session-id': ids[0] ?? '' } });

    const answers = await Promise.all(['a', 'b', 'c'].map(echo));
    expect(answers.map(text)).toEqual(['a', 'b', 'c']);
    await client.seen('the news', ({ method }) => method === 'notifications/tools/list_changed');
    expect(ids).toHaveLength(2);
    expect(server.executions('echo')).toBe(4);
  });
});

test('the end of a bridge ends its session and its calls', async () => {
  await using server = await startSdkV1();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  const client = lineClient(gateway.url);
  await client.initialize();
  await client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'up__hold' } });
  const held = { name: 'up__hold', _meta: modernMeta };
  await client.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: held });
  await waitUntil('the executions', () => server.executions('hold') === 2);
  await client.bridge.close();
  await waitUntil('the cancellations', () => server.cancellations('hold') === 2);
  const ended = { reason: 'client_delete' };
  const page = await gateway.metrics();
  expect(page.value('mcpstead_downstream_session_terminations_total', ended)).toBe(1);
  expect(client.received.filter(({ error }) => error)).toEqual([]);
});
