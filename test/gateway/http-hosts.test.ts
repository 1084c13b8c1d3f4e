import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { rawRequest } from '../support/raw-http.ts';
import { acceptBoth, messagesOf, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'browser', version: '1' } },
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ servers: [], mcp: { allowed_hosts: ['gateway.example'] } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('on loopback', () => {
  const statusFor = async (...headers: string[]) =>
    (await rawRequest(gateway.origin, ['GET /livez HTTP/1.1', ...headers])).status;

  test.each([
    'localhost',
    'LocalHost:1',
    'localhost.',
    '127.0.0.1:8766',
    '[::1]:8766',
    'gateway.example:443',
  ])('a request for the host %s is served', async (host) => {
    expect(await statusFor(`Host: ${host}`)).toBe(200);
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '0.0.0.0',
    '[::2]',
    '',
    ':',
    'a b/c?d#e',
    '[',
    'löcalhost',
  ])('a request for the host %p gets 403', async (host) => {
    expect(await statusFor(`Host: ${host}`)).toBe(403);
  });

  test.each([
    ['GET', '/health'],
    ['GET', '/metrics'],
    ['POST', '/mcp'],
    ['DELETE', '/mcp'],
    ['POST', '/-/reload'],
    ['GET', '/nothing'],
    ['OPTIONS', '/mcp'],
  ])('%s %s is guarded like everything else', async (method, path) => {
    const answer = await rawRequest(gateway.origin, [`${method} ${path} HTTP/1.1`, 'Host: evil.example']);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({
      error: {
        code: -32000,
        message:
          'Forbidden: the host "evil.example" of the Host header is not allowed here; add it to mcp.allowed_hosts',
      },
    });
  });

  test('a request with two hosts is refused', async () => {
    expect(await statusFor('Host: localhost', 'Host: evil.example')).toBe(403);
  });

  test('a request without a host is refused: HTTP/1.1 demands one, HTTP/1.0 clients can send one', async () => {
    expect(await statusFor()).toBe(400);
    expect((await rawRequest(gateway.origin, ['GET /livez HTTP/1.0'])).status).toBe(403);
    expect((await rawRequest(gateway.origin, ['GET /livez HTTP/1.0', 'Host: localhost'])).status).toBe(200);
  });

  test.each([
    'http://localhost:5173',
    'https://127.0.0.1',
    'http://[::1]:3000',
    'https://gateway.example:8443',
  ])('a page of %s is admitted', async (origin) => {
    const response = await rawPost(gateway.url, ping, { origin });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('vary')).toBe('Origin');
  });

  test.each(['http://evil.example', 'null', 'http://localhost.evil.example', 'file://', 'nonsense'])(
    'a page of %s is refused, without CORS headers',
    async (origin) => {
      const response = await rawPost(gateway.url, ping, { origin });
      expect(response.status).toBe(403);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  test('a reload changes the allowed hosts', async () => {
    await using reloaded = await startGateway({ servers: [] });
    const status = async () =>
      (await rawRequest(reloaded.origin, ['GET /livez HTTP/1.1', 'Host: new.example'])).status;
    expect(await status()).toBe(403);
    await reloaded.reload({ servers: [], mcp: { allowed_hosts: ['new.example'] } });
    expect(await status()).toBe(200);
  });
});

describe('beyond loopback', () => {
  const startOpen = (mcp?: Record<string, unknown>) =>
    startGateway({ servers: [], host: '0.0.0.0', ...(mcp && { mcp }) });
  const statusFor = async (open: TestGateway, ...headers: string[]) =>
    (await rawRequest(`http://127.0.0.1:${open.gateway.port}`, ['GET /livez HTTP/1.1', ...headers])).status;

  test('any Host is served, but foreign pages are refused', async () => {
    await using open = await startOpen();
    expect(await statusFor(open, 'Host: whatever.example')).toBe(200);
    expect(await statusFor(open, 'Host: whatever.example', 'Origin: http://whatever.example')).toBe(403);
    expect(await statusFor(open, 'Host: whatever.example', 'Origin: null')).toBe(403);
    expect(await statusFor(open, 'Host: whatever.example', 'Origin: http://localhost:1')).toBe(200);
  });

  test('Host is checked, too, once allowed hosts are configured', async () => {
    await using open = await startOpen({ allowed_hosts: ['gateway.example'] });
    expect(await statusFor(open, 'Host: whatever.example')).toBe(403);
    expect(await statusFor(open, 'Host: gateway.example', 'Origin: https://gateway.example')).toBe(200);
    expect(await statusFor(open, 'Host: localhost')).toBe(200);
    // A probe and a scraper send an address.
    expect(await statusFor(open, 'Host: 10.1.2.3:8766')).toBe(200);
  });

  test('without authentication causes a warning in the log, with a token none', async () => {
    const warned = (started: TestGateway) =>
      started.logs.filter((line) => line.includes('reachable from other machines')).length;
    await using open = await startOpen();
    expect(warned(open)).toBe(1);
    await using closed = await startGateway(
      { servers: [], host: '0.0.0.0', mcp: { auth: { mode: 'bearer' } } },
      { MCPSTEAD_BEARER_TOKEN: 's3cret-token' },
    );
    expect(warned(closed)).toBe(0);
  });
});

test('an IPv6 loopback gateway answers on its own URL', async () => {
  await using six = await startGateway({ servers: [], host: '::1' });
  expect(six.origin).toBe(`http://[::1]:${six.gateway.port}`);
  expect((await fetch(`${six.origin}/livez`)).status).toBe(200);
});

describe('a client in a browser', () => {
  const origin = 'http://localhost:5173';

  test('may send a preflight request', async () => {
    const asked =
      'authorization,content-type,last-event-id,mcp-method,mcp-protocol-version,mcp-session-id,traceparent, mcp-param-city';
    const response = await fetch(gateway.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked,
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('access-control-allow-methods')).toBe('POST, GET, DELETE');
    expect(response.headers.get('access-control-allow-headers')).toBe(
      'Authorization, Content-Type, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, Mcp-Name, traceparent, mcp-param-city',
    );
    expect(response.headers.get('access-control-max-age')).toBe('86400');
  });

  test('may send a preflight without the token, and can read that one is required', async () => {
    await using guarded = await startGateway(
      { servers: [], mcp: { auth: { mode: 'bearer' } } },
      { MCPSTEAD_BEARER_TOKEN: 's3cret-token' },
    );
    const asked = await fetch(guarded.url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(asked.status).toBe(204);
    const refused = await rawPost(guarded.url, ping, { origin });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin);
    expect(refused.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
  });

  test('can read its session id, errors and streams', async () => {
    const opened = await rawPost(gateway.url, initialize, { origin });
    const id = opened.headers.get('mcp-session-id') ?? '';
    const exposed = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate';
    expect(opened.headers.get('access-control-expose-headers')).toBe(exposed);
    const answers = [
      await rawPost(gateway.url, 'not JSON', { origin }),
      await rawPost(gateway.url, ping, { origin, accept: 'text/event-stream' }),
      await rawPost(gateway.url, ping, { origin, 'mcp-session-id': 'unknown' }),
      await fetch(gateway.url, { headers: { origin, accept: acceptBoth, 'mcp-session-id': id } }),
      await fetch(gateway.url, { method: 'DELETE', headers: { origin, 'mcp-session-id': id } }),
      await fetch(`${gateway.origin}/nothing`, { headers: { origin } }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([400, 200, 404, 200, 204, 404]);
    for (const answer of answers) {
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(answer.headers.get('access-control-expose-headers')).toBe(exposed);
    }
    for await (const message of messagesOf(answers[1] as Response)) expect(message.result).toEqual({});
  });

  test('gets no CORS headers if it has no Origin', async () => {
    const response = await rawPost(gateway.url, ping);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});
