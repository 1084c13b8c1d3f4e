import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestConfig, type TestGateway } from '../support/gateway.ts';
import { rawConnection, rawRequest } from '../support/raw-http.ts';
import { refusedBy } from '../support/refused.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort } from '../support/wait.ts';

failOnStrayErrors();

let gateway: TestGateway;
let hostLine: string;
beforeAll(async () => {
  gateway = await startGateway({ servers: [] });
  hostLine = `Host: ${new URL(gateway.origin).host}`;
});
afterAll(() => gateway[Symbol.asyncDispose]());

const send = (method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(gateway.origin + path, { method, headers });

describe('a wrong method on a known path gets 405 and the allowed methods', () => {
  test.each([
    ['/mcp', ['PUT', 'PATCH', 'HEAD', 'OPTIONS'], 'POST, GET, DELETE'],
    ['/mcp/', ['PUT', 'PATCH', 'HEAD', 'OPTIONS'], 'POST, GET, DELETE'],
    ['/health', ['POST', 'PUT', 'DELETE', 'OPTIONS'], 'GET, HEAD'],
    ['/livez', ['POST', 'DELETE'], 'GET, HEAD'],
    ['/readyz', ['POST', 'DELETE'], 'GET, HEAD'],
    ['/metrics', ['POST', 'DELETE'], 'GET, HEAD'],
    ['/', ['POST', 'PUT', 'DELETE', 'OPTIONS'], 'GET, HEAD'],
    ['/-/page.js', ['POST', 'DELETE'], 'GET, HEAD'],
    ['/-/login', ['PUT', 'DELETE'], 'POST, GET'],
    ['/-/reload', ['GET', 'HEAD', 'PUT', 'DELETE'], 'POST'],
  ])('%s', async (path, methods, allow) => {
    for (const method of methods) {
      const response = await send(method, path);
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, allow]);
    }
  });
});

describe('an unknown path gets 404', () => {
  test.each([
    '//',
    '/mcp//',
    '/MCP',
    '/sse',
    '/mcp/x/y',
    '/health/',
    '/-/',
    '/__proto__',
    '/constructor',
    '//mcp',
    '/%6dcp',
  ])('%s', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const answer = await rawRequest(gateway.origin, [`${method} ${path} HTTP/1.1`, hostLine]);
      expect([method, answer.status]).toEqual([method, 404]);
    }
  });

  test('and names the endpoint', async () => {
    expect(await (await send('GET', '/nothing')).json()).toEqual({
      error: 'not found; the MCP endpoint is /mcp',
    });
  });
});

describe('a view that is not configured gets 404', () => {
  test.each(['/mcp/x', '/mcp/x/', '/mcp/__proto__', '/mcp/%2e%2e', '/mcp/%00'])('%s', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await rawRequest(gateway.origin, [`${method} ${path} HTTP/1.1`, hostLine]);
      expect([method, answer.status]).toEqual([method, 404]);
    }
  });

  test('and is named', async () => {
    expect(await (await send('GET', '/mcp/x')).json()).toEqual({
      error: 'no enabled server and no profile is named "x"; /mcp serves all of them',
    });
  });
});

test('a query does not matter', async () => {
  expect((await send('GET', '/livez?verbose=/nothing')).status).toBe(200);
});

test.each(['/health', '/livez', '/readyz', '/metrics'])(
  'HEAD %s is answered like GET, without a body',
  async (path) => {
    const get = await send('GET', path);
    using connection = await rawConnection(gateway.origin);
    connection.write(`HEAD ${path} HTTP/1.1\r\n${hostLine}\r\n\r\n`);
    const head = await connection.answer({ head: true });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    connection.write(`GET /livez HTTP/1.1\r\n${hostLine}\r\n\r\n`);
    // Its response comes next: there was no body.
    expect((await connection.answer()).body).toBe('ok\n');
  },
);

test.each(['/./livez', '/a/../livez'])(
  'a path with dot segments, %s, is unknown: a proxy in front may have checked another one',
  async (path) => {
    expect((await rawRequest(gateway.origin, [`GET ${path} HTTP/1.1`, hostLine])).status).toBe(404);
  },
);

test('a request target with scheme and host, as proxies send it, is accepted', async () => {
  const target = `GET ${gateway.origin}/livez HTTP/1.1`;
  expect((await rawRequest(gateway.origin, [target, hostLine])).status).toBe(200);
});

describe('GET /mcp', () => {
  const stream = { accept: 'text/event-stream' };

  test('without a session gets 405 and the allowed methods', async () => {
    const response = await send('GET', '/mcp', stream);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, DELETE']);
  });

  test.each(['application/json', '*/*', 'text/event-stream;q=0'])(
    'of a live session that accepts %s, and so no stream, gets 405',
    async (accept) => {
      await using session = await RawSession.open(gateway.url);
      const response = await send('GET', '/mcp', { accept, 'mcp-session-id': session.id });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, DELETE']);
    },
  );

  test('of an unknown session gets 404', async () => {
    const response = await send('GET', '/mcp', { ...stream, 'mcp-session-id': 'unknown' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: -32001 } });
  });

  test('of a live session opens its stream at once', async () => {
    await using session = await RawSession.open(gateway.url);
    const response = await send('GET', '/mcp', { ...stream, 'mcp-session-id': session.id });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    await response.body?.cancel();
  });
});

describe('DELETE /mcp', () => {
  test('ends the session: 204 without a body, and 404 for later requests in it', async () => {
    const session = await RawSession.open(gateway.url);
    const headers = { 'mcp-session-id': session.id };
    const ended = await send('DELETE', '/mcp', headers);
    expect([ended.status, await ended.text()]).toEqual([204, '']);
    expect((await send('DELETE', '/mcp', headers)).status).toBe(404);
    expect((await send('GET', '/mcp', { ...headers, accept: 'text/event-stream' })).status).toBe(404);
    const { response, answer } = await session.request('ping');
    expect([response.status, answer.error.code]).toEqual([404, -32001]);
  });

  test('of an unknown session gets 404', async () => {
    expect((await send('DELETE', '/mcp', { 'mcp-session-id': 'unknown' })).status).toBe(404);
  });

  test('that names no session gets 400', async () => {
    expect((await send('DELETE', '/mcp')).status).toBe(400);
  });
});

test('/mcp/ is /mcp for a whole session, without a redirect', async () => {
  const url = `${gateway.origin}/mcp/`;
  const initialize = { protocolVersion: '2025-11-25', capabilities: {} };
  const opened = await fetch(url, {
    method: 'POST',
    redirect: 'error',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }),
  });
  expect(opened.status).toBe(200);
  const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  const stream = await send('GET', '/mcp/', { ...headers, accept: 'text/event-stream' });
  expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  // Both paths share one session.
  expect((await send('DELETE', '/mcp', headers)).status).toBe(204);
  expect((await send('DELETE', '/mcp/', headers)).status).toBe(404);
});

describe('/health', () => {
  test('is 200 and "ok" while all is well', async () => {
    await using upstream = await fakeUpstream();
    await using up = await startGateway({ servers: [{ name: 'up', url: `${upstream.url}?key=s3cret` }] });
    await up.connected();
    const response = await fetch(`${up.origin}/health`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({
      status: 'ok',
      uptime_seconds: expect.any(Number),
      servers: [
        {
          name: 'up',
          url: upstream.url,
          protocol: 'streamable',
          required: false,
          connected: true,
          state: 'ready',
          era: 'legacy',
          protocol_version: '2025-11-25',
          tools_count: 1,
          prompts_count: 0,
          resources_count: 0,
          client_sessions: 0,
          log_messages_dropped: 0,
          last_seen_seconds_ago: expect.any(Number),
          reconnects: 0,
          next_retry_seconds: null,
          last_error: null,
        },
      ],
    });
  });

  test('is 200 and "degraded" while an upstream is down, with the reason', async () => {
    const url = `http://127.0.0.1:${freePort()}/mcp`;
    await using down = await startGateway({ servers: [{ name: 'down', url }] });
    const health = await down.waitFor('a failed attempt', ({ servers }) => servers[0]?.last_error !== null);
    expect(health.status).toBe('degraded');
    expect(health.servers[0]).toMatchObject({
      connected: false,
      tools_count: 0,
      last_seen_seconds_ago: null,
      last_error: refusedBy(url),
    });
  });
});

describe('/readyz', () => {
  test('is 503 while a required upstream is down, and /livez is 200; optional ones do not matter', async () => {
    await using upstream = await fakeUpstream();
    await using started = await startGateway({
      servers: [
        { name: 'up', url: upstream.url, required: true, tools: { ttl_seconds: 0.05 } },
        { name: 'down', url: `http://127.0.0.1:${freePort()}/mcp` },
      ],
    });
    expect((await fetch(`${started.origin}/readyz`)).status).toBe(200);
    await upstream.stop();
    await started.waitFor('the loss', ({ servers }) => servers[0]?.connected === false);
    const unready = await fetch(`${started.origin}/readyz`);
    expect([unready.status, await unready.text()]).toEqual([503, 'not ready\n']);
    const live = await fetch(`${started.origin}/livez`);
    expect([live.status, await live.text()]).toEqual([200, 'ok\n']);
    await upstream.start();
    await started.waitFor('the return', ({ servers }) => servers[0]?.connected === true);
    expect((await fetch(`${started.origin}/readyz`)).status).toBe(200);
  });
});

describe('/metrics', () => {
  test('is 404 while metrics are disabled, which a reload changes', async () => {
    await using started = await startGateway({ servers: [], metrics: { enabled: false } });
    expect((await fetch(`${started.origin}/metrics`)).status).toBe(404);
    await started.reload({ servers: [] });
    const page = await fetch(`${started.origin}/metrics`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
  });
});

describe('POST /-/reload', () => {
  test('reports how many upstreams it touched', async () => {
    const response = await send('POST', '/-/reload');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      added: 0,
      removed: 0,
      restarted: 0,
      updated: 0,
      unchanged: 0,
      ignored: [],
    });
  });

  test('names the changed keys that need a restart', async () => {
    const config: TestConfig = { servers: [] };
    await using started = await startGateway(config);
    config.host = '127.0.0.2';
    config.mcp = { session: { shutdown_grace_seconds: 1, idle_ttl_seconds: 5 } };
    const response = await fetch(`${started.origin}/-/reload`, { method: 'POST' });
    expect(await response.json()).toMatchObject({
      ignored: ['host', 'mcp.session.idle_ttl_seconds', 'mcp.session.shutdown_grace_seconds'],
    });
  });

  test('gets 400 and the reason if the configuration is invalid, and changes nothing', async () => {
    await using started = await startGateway({ servers: [] });
    await expect(started.reload({ servers: [{ name: 'no url' }] })).rejects.toThrow();
    const response = await fetch(`${started.origin}/-/reload`, { method: 'POST' });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toContain('test.yaml:1:');
    expect((await started.health()).servers).toEqual([]);
    expect((await started.metrics()).value('mcpstead_config_reloads_total', { result: 'error' })).toBe(2);
  });
});
