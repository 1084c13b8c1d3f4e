import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SseParser } from '../../src/protocol/sse-codec.ts';
import { connectV1, connectV2 } from '../support/clients.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const adminToken = 'the-admin-token';
const bearerToken = 'the-bearer-token';
const admin = { authorization: `Bearer ${adminToken}` };
const bearer = { authorization: `Bearer ${bearerToken}` };
const json = { 'content-type': 'application/json' };
const env = { MCPSTEAD_BEARER_TOKEN: bearerToken };
const bearerMode = { auth: { mode: 'bearer' } };
const readable = ['/-/servers', '/-/tools', '/-/logs', '/-/events'];

// biome-ignore lint/suspicious/noExplicitAny: what is expected of it stands in the tests.
type Json = any;
const get = async (gateway: TestGateway, path: string, headers = {}): Promise<Json> =>
  (await fetch(gateway.origin + path, { headers })).json();
const statusOf = async (gateway: TestGateway, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(gateway.origin + path, { headers });
  await response.body?.cancel();
  return response.status;
};
const reconnect = (gateway: TestGateway, name: string, headers: Record<string, string>) =>
  fetch(`${gateway.origin}/-/servers/${name}/reconnect`, { method: 'POST', headers, body: '{}' });

/** The events of a stream, parsed, until it is closed. */
async function* eventsAt(url: string): AsyncGenerator<Json> {
  yield* eventsIn(await fetch(url));
}

async function* eventsIn(response: Response): AsyncGenerator<Json> {
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const parser = new SseParser(1_000_000);
  for await (const chunk of response.body ?? [])
    for (const { data } of parser.push(chunk)) yield JSON.parse(data);
}

describe('who may read', () => {
  test('in mode none: everybody, behind the guard of Host and Origin', async () => {
    await using gateway = await startGateway({ servers: [] }, {}, undefined, adminToken);
    for (const path of readable) {
      expect([path, await statusOf(gateway, path)]).toEqual([path, 200]);
      expect([path, await statusOf(gateway, path, { origin: 'http://evil.example' })]).toEqual([path, 403]);
      expect([path, await statusOf(gateway, path, { host: 'evil.example' })]).toEqual([path, 403]);
    }
  });

  test('in bearer mode: holders of the bearer token or the admin token', async () => {
    await using gateway = await startGateway({ servers: [], mcp: bearerMode }, env, undefined, adminToken);
    for (const path of readable) {
      expect([path, await statusOf(gateway, path)]).toEqual([path, 401]);
      expect([path, await statusOf(gateway, path, { authorization: 'Bearer wrong' })]).toEqual([path, 401]);
      expect([path, await statusOf(gateway, path, { cookie: adminToken })]).toEqual([path, 401]);
      expect([path, await statusOf(gateway, `${path}?token=${adminToken}`)]).toEqual([path, 401]);
      expect([path, await statusOf(gateway, path, bearer)]).toEqual([path, 200]);
      expect([path, await statusOf(gateway, path, admin)]).toEqual([path, 200]);
    }
  });

  test('the admin token opens the reload, but never /mcp', async () => {
    await using gateway = await startGateway({ servers: [], mcp: bearerMode }, env, undefined, adminToken);
    const post = async (path: string, headers: Record<string, string>) =>
      (await fetch(gateway.origin + path, { method: 'POST', headers })).status;
    expect(await post('/-/reload', admin)).toBe(200);
    expect(await post('/-/reload', {})).toBe(401);
    expect(await post('/mcp', { ...admin, ...json })).toBe(401);
  });

  test('only GET is allowed', async () => {
    await using gateway = await startGateway({ servers: [] });
    for (const path of readable) {
      const response = await fetch(gateway.origin + path, { method: 'POST' });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
    }
  });
});

describe('who may reconnect a server', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ servers: [] }, {}, undefined, adminToken);
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('in mode none, too, only holders of the admin token, who learn where it is', async () => {
    const response = await reconnect(gateway, 'a', json);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="mcpstead"');
    expect(await response.json()).toEqual({
      error:
        'a bearer token is required: send "Authorization: Bearer TOKEN" with the token in the file gateways/PORT.json of the state directory as TOKEN',
    });
    expect((await reconnect(gateway, 'a', { ...json, authorization: 'Bearer wrong' })).status).toBe(401);
  });

  test('what a web form can send is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      expect((await reconnect(gateway, 'a', { ...admin, 'content-type': type })).status).toBe(415);
  });

  test('a page of another origin is refused, one of this origin is not', async () => {
    const from = async (origin: string) =>
      (await reconnect(gateway, 'a', { ...admin, ...json, origin })).status;
    expect(await from('http://localhost:3000')).toBe(403);
    expect(await from('null')).toBe(403);
    expect(await from(gateway.origin)).toBe(404);
  });

  test('an unknown server is named', async () => {
    const response = await reconnect(gateway, 'a', { ...admin, ...json });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: 'no server is named "a"; GET /-/servers lists them' });
  });
});

describe('/-/servers', () => {
  test('shows servers, calls and clients of both eras', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        { name: 'a', url: upstream.url },
        { name: 'off', url: 'http://127.0.0.1:1/mcp', enabled: false },
      ],
      profiles: [{ name: 'some', servers: ['a'] }],
    });
    await gateway.connected('a');
    await using legacy = await connectV1(gateway.url);
    await using modern = await connectV2(gateway.url, 'auto');
    await legacy.call('a__echo', {});
    await modern.call('a__echo', {});
    const seen = await get(gateway, '/-/servers');
    expect(seen).toMatchObject({
      version: expect.any(String),
      url: gateway.url,
      config: null,
      pid: process.pid,
      status: 'ok',
      auth: 'none',
      profiles: [{ name: 'some', servers: ['a'] }],
    });
    expect(seen.servers).toMatchObject([
      { name: 'a', state: 'ready', enabled: true, tools_count: 1, calls_total: 2, errors_total: 0 },
      { name: 'off', state: 'disabled', enabled: false, tokens: 0, calls_total: 0, p95_ms: null },
    ]);
    expect(seen.servers[0].calls_per_minute).toBe(2);
    expect(seen.servers[0].p95_ms).toBeGreaterThan(0);
    expect(seen.servers[0].tokens).toBeGreaterThan(0);
    expect(seen.calls).toMatchObject([
      { server: 'a', tool: 'echo', client: 'client-v2', outcome: 'ok', reason: null },
      { server: 'a', tool: 'echo', client: 'client-v1', outcome: 'ok', reason: null },
    ]);
    expect(Math.abs(Date.parse(seen.calls[0].at) - Date.now())).toBeLessThan(60_000);
    const clients = seen.clients.map(({ name, era, sessions }: Json) => [name, era, sessions]);
    expect(clients).toContainEqual(['client-v1', 'legacy', 1]);
    expect(clients.map(([name, era]: Json) => `${name} ${era}`)).toContain('client-v2 modern');
  });

  test('counts a session no more when it has ended', async () => {
    await using gateway = await startGateway({ servers: [] });
    const first = await connectV1(gateway.url);
    await using _second = await connectV1(gateway.url);
    expect((await get(gateway, '/-/servers')).clients).toEqual([
      { name: 'client-v1', version: '1.0.0', era: 'legacy', sessions: 2 },
    ]);
    await first[Symbol.asyncDispose]();
    expect((await get(gateway, '/-/servers')).clients).toMatchObject([{ sessions: 1 }]);
  });

  test('tells errors of tools from calls that failed, and shows no argument', async () => {
    await using upstream = await fakeUpstream({
      onPost: (message) => {
        const text = JSON.stringify(message.params?.arguments ?? {});
        if (message.method !== 'tools/call') return undefined;
        if (text.includes('isError')) return answer(message.id, { content: [], isError: true });
        return new Response('no', { status: 500 });
      },
    });
    const answer = (id: unknown, result: object) => Response.json({ jsonrpc: '2.0', id, result });
    await using gateway = await startGateway({ servers: [{ name: 'a', url: upstream.url }] });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    await client.call('a__echo', { mode: 'isError' });
    await client.call('a__echo', { mode: 'planted-argument' }).catch(() => {});
    const text = await (await fetch(`${gateway.origin}/-/servers`)).text();
    const seen: Json = JSON.parse(text);
    expect(seen.calls).toMatchObject([
      { tool: 'echo', outcome: 'error', reason: 'upstream_protocol_error' },
      { tool: 'echo', outcome: 'tool_error', reason: null },
    ]);
    expect(seen.servers[0]).toMatchObject({ calls_total: 2, errors_total: 1 });
    expect(text).not.toContain('planted-argument');
  });

  test('keeps the last 50 calls, the newest first', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ servers: [{ name: 'a', url: upstream.url }] });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    for (let n = 0; n < 60; n++) await client.call('a__echo', {});
    const { calls, servers } = await get(gateway, '/-/servers');
    expect([calls.length, servers[0].calls_total]).toEqual([50, 60]);
    const times = calls.map(({ at }: Json) => Date.parse(at));
    expect(times).toEqual(times.toSorted((a: number, b: number) => b - a));
  });

  test('shows neither secrets in the names of clients nor control characters', async () => {
    await using gateway = await startGateway({ servers: [], mcp: bearerMode }, env);
    const clientInfo = { name: `x ${bearerToken}\u001b[31m`, version: '1' };
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
    };
    const headers = { ...bearer, ...json, accept: 'application/json' };
    await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify(body) });
    const { clients } = await get(gateway, '/-/servers', bearer);
    expect(clients).toEqual([{ name: 'x [redacted] [31m', version: '1', era: 'legacy', sessions: 1 }]);
  });
});

describe('/-/tools', () => {
  const tool = {
    name: 'read',
    title: 'Reads',
    description: 'Reads a file: größer.\nMore about it.',
    inputSchema: { type: 'object' as const },
  };

  test('shows the size of each tool as clients see it', async () => {
    await using upstream = await fakeUpstream({ tools: [tool] });
    const servers = [
      { name: 'a', url: upstream.url },
      { name: 'b', url: upstream.url, tools: { deny: ['read'] } },
    ];
    await using gateway = await startGateway({ servers });
    await gateway.connected();
    // name 7, description 38 in UTF-8, schema 17
    const row = {
      name: 'a__read',
      server: 'a',
      title: 'Reads',
      description: 'Reads a file: größer.',
      bytes: 62,
      tokens: 16,
    };
    expect(await get(gateway, '/-/tools')).toEqual({ tools: [row] });
    expect(await get(gateway, '/-/tools?server=a')).toEqual({ tools: [row] });
    expect(await get(gateway, '/-/tools?server=b')).toEqual({ tools: [] });
    expect(await statusOf(gateway, '/-/tools?server=c')).toBe(404);
    expect((await get(gateway, '/-/servers')).servers).toMatchObject([{ tokens: 16 }, { tokens: 0 }]);
  });

  test('leaves out a tool whose name another server has taken', async () => {
    await using upstream = await fakeUpstream({ tools: [tool] });
    const tools = { prefix: 'same' };
    await using gateway = await startGateway({
      servers: ['a', 'b'].map((name) => ({ name, url: upstream.url, tools })),
    });
    await gateway.connected();
    const seen = await get(gateway, '/-/tools');
    expect(seen.tools.map(({ name, server }: Json) => [name, server])).toEqual([['same__read', 'a']]);
  });
});

describe('/-/logs', () => {
  test('brings the lines about one server, its stderr included, or all lines in order', async () => {
    const command = [
      'console.error("planted line"); process.stdin.resume(); process.stdin.on("end", () => process.exit())',
    ];
    await using gateway = await startGateway({
      servers: [
        { name: 'a', command: process.execPath, args: ['-e', ...command] },
        { name: 'b', url: 'http://127.0.0.1:1/mcp', reconnect: promptReconnect },
      ],
    });
    const linesOf = async (path: string) => await Array.fromAsync(eventsAt(gateway.origin + path));
    const line = await waitUntil('the line', async () =>
      (await linesOf('/-/logs?server=a')).find(({ line }) => line === 'planted line'),
    );
    expect(line).toMatchObject({ level: 'info', message: 'stderr of the server', server: 'a' });
    expect(Date.parse(line.at)).toBeGreaterThan(0);
    for (const { server } of await linesOf('/-/logs?server=b')) expect(server).toBe('b');
    const all = await linesOf('/-/logs');
    expect(new Set(all.map(({ server }) => server))).toContain('b');
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted());
    expect(await linesOf('/-/logs?lines=2')).toHaveLength(2);
    expect(await statusOf(gateway, '/-/logs?server=c')).toBe(404);
    expect(await statusOf(gateway, '/-/logs?lines=many')).toBe(400);
  });

  test('goes on with new lines if asked to', async () => {
    await using gateway = await startGateway({ servers: [] });
    const lines = eventsIn(await fetch(`${gateway.origin}/-/logs?lines=0&follow=1`));
    await gateway.reload({ servers: [] });
    expect((await within('a line', lines.next())).value).toMatchObject({ message: 'configuration reloaded' });
    await lines.return(undefined);
  });

  test('ends when the gateway stops', async () => {
    const gateway = await startGateway({ servers: [] });
    const lines = Array.fromAsync(eventsIn(await fetch(`${gateway.origin}/-/logs?follow=1`)));
    await gateway[Symbol.asyncDispose]();
    await within('the end', lines);
  });
});

describe('/-/events', () => {
  test('begins with the overview, and brings another one after a change only', async () => {
    await using gateway = await startGateway({ servers: [] });
    const events = eventsAt(`${gateway.origin}/-/events`);
    const first = (await within('the first', events.next())).value;
    expect(first).toMatchObject({ url: gateway.url, clients: [] });
    const next = events.next();
    await Bun.sleep(2_500);
    await using _client = await connectV1(gateway.url);
    const second = (await within('the second', next)).value;
    expect(second.clients).toMatchObject([{ name: 'client-v1' }]);
    // A change of the clocks alone would have come before.
    expect(second.uptime_seconds).toBeGreaterThan(first.uptime_seconds + 2);
    await events.return(undefined);
  });

  test('is limited to 64 streams, and a closed one makes room', async () => {
    await using gateway = await startGateway({ servers: [] });
    const open = () => fetch(`${gateway.origin}/-/events`);
    const responses = await Promise.all(Array.from({ length: 64 }, open));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await open();
    expect(refused.status).toBe(503);
    await refused.body?.cancel();
    await responses[0]?.body?.cancel();
    await waitUntil('room', async () => {
      const response = await open();
      await response.body?.cancel();
      return response.status === 200;
    });
    for (const response of responses.slice(1)) await response.body?.cancel();
  });
});

describe('reconnecting', () => {
  const headers = { ...admin, ...json };

  test('replaces a process, and calls go on', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw')] }, {}, undefined, adminToken);
    await gateway.connected();
    const pid = (await gateway.health()).servers[0]?.pid;
    const response = await reconnect(gateway, 'raw', headers);
    expect([response.status, await response.json()]).toEqual([200, { server: 'raw', state: 'starting' }]);
    const { servers } = await gateway.waitFor('a new process', ({ servers: [server] }) =>
      Boolean(server?.connected && server.pid !== pid),
    );
    expect(servers[0]?.pid).toBeGreaterThan(0);
    await using client = await connectV1(gateway.url);
    expect((await client.call('raw__echo', { text: 'again' })).text).toBe('again');
  });

  test('ends a backoff', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    const slow = { backoff_base_ms: 60_000, backoff_max_ms: 60_000 };
    const servers = [{ name: 'a', url: upstream.url, reconnect: slow }];
    await using gateway = await startGateway({ servers }, {}, undefined, adminToken);
    await gateway.waitFor('backoff', ({ servers: [server] }) => server?.state === 'backoff');
    await upstream.start();
    expect((await reconnect(gateway, 'a', headers)).status).toBe(200);
    await gateway.connected();
  });

  test('takes up a server that was given up', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    const once = { ...promptReconnect, max_attempts: 1 };
    const servers = [{ name: 'a', url: upstream.url, reconnect: once }];
    await using gateway = await startGateway({ servers }, {}, undefined, adminToken);
    await gateway.waitFor('given up', ({ servers: [server] }) => server?.state === 'given_up');
    await upstream.start();
    expect((await reconnect(gateway, 'a', headers)).status).toBe(200);
    await gateway.connected();
  });

  test('opens another session with a server over HTTP', async () => {
    await using upstream = await fakeUpstream();
    const servers = [{ name: 'a', url: upstream.url }];
    await using gateway = await startGateway({ servers }, {}, undefined, adminToken);
    await gateway.connected();
    expect(upstream.messages('initialize')).toHaveLength(1);
    await reconnect(gateway, 'a', headers);
    await waitUntil('another session', () => upstream.messages('initialize').length === 2);
    await gateway.waitFor('ready', ({ servers: [server] }) => server?.reconnects === 1);
  });

  test('restarts a process that hangs while it starts', async () => {
    const hang = ['-e', 'setInterval(() => {}, 1000)'];
    const servers = [{ name: 'a', command: process.execPath, args: hang }];
    await using gateway = await startGateway({ servers }, {}, undefined, adminToken);
    const first = await gateway.waitFor('a process', ({ servers: [server] }) => Number(server?.pid) > 0);
    const pid = first.servers[0]?.pid;
    await reconnect(gateway, 'a', headers);
    await gateway.waitFor(
      'another process',
      ({ servers: [server] }) => Number(server?.pid) > 0 && server?.pid !== pid,
    );
  });

  test('refuses a disabled server, and says how to enable it', async () => {
    const servers = [{ name: 'off', url: 'http://127.0.0.1:1/mcp', enabled: false }];
    await using gateway = await startGateway({ servers }, {}, undefined, adminToken);
    const response = await reconnect(gateway, 'off', headers);
    expect([response.status, await response.json()]).toEqual([
      409,
      { error: 'off is disabled; enable it first: mcpstead enable off' },
    ]);
  });
});
