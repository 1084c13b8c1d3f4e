import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { rawConnection } from '../support/raw-http.ts';
import { acceptBoth, RawSession, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const token = 's3cret-token';
const authorization = { authorization: `Bearer ${token}` };
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

const bearer = { auth: { mode: 'bearer' } };
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ servers: [], mcp: bearer }, { MCPSTEAD_BEARER_TOKEN: token });
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('in bearer mode', () => {
  const guarded = [
    ['POST', '/mcp'],
    ['GET', '/mcp'],
    ['DELETE', '/mcp'],
    ['PUT', '/mcp'],
    ['POST', '/-/reload'],
  ] as const;
  const whatToSend = 'send "Authorization: Bearer TOKEN" with the value of MCPSTEAD_BEARER_TOKEN as TOKEN';
  const refusals: [string, string | undefined, string, string][] = [
    ['no token', undefined, 'Bearer realm="mcpstead"', `a bearer token is required: ${whatToSend}`],
    [
      'another scheme',
      `Basic ${token}`,
      'Bearer realm="mcpstead"',
      `the Authorization header contains no bearer token: ${whatToSend}`,
    ],
    [
      'the token without its scheme',
      token,
      'Bearer realm="mcpstead"',
      `the Authorization header contains no bearer token: ${whatToSend}`,
    ],
    [
      'the scheme without a token',
      'Bearer',
      'Bearer realm="mcpstead"',
      `the Authorization header contains no bearer token: ${whatToSend}`,
    ],
    [
      'a wrong token',
      'Bearer wr0ng-token',
      'Bearer realm="mcpstead", error="invalid_token"',
      `this bearer token is not the gateway's: ${whatToSend}`,
    ],
  ];
  test.each(refusals)(
    'a request with %s gets 401, the challenge, and instructions',
    async (_, sent, challenge, error) => {
      for (const [method, path] of guarded) {
        const headers = { accept: acceptBoth, 'mcp-session-id': 'any', ...(sent && { authorization: sent }) };
        const response = await fetch(gateway.origin + path, { method, headers });
        expect([method, path, response.status]).toEqual([method, path, 401]);
        expect(response.headers.get('www-authenticate')).toBe(challenge);
        expect(response.headers.get('content-type')).toStartWith('application/json');
        expect(await response.json()).toEqual({ error });
      }
    },
  );

  test.each(['/mcp', '/-/reload'])('HEAD %s gets the challenge and no body', async (path) => {
    using connection = await rawConnection(gateway.origin);
    const host = `Host: ${new URL(gateway.origin).host}`;
    connection.write(`HEAD ${path} HTTP/1.1\r\n${host}\r\n\r\n`);
    const { status, headers } = await connection.answer({ head: true });
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="mcpstead"']);
    connection.write(`GET /livez HTTP/1.1\r\n${host}\r\n\r\n`);
    expect((await connection.answer()).body).toBe('ok\n');
  });

  test('a wrong method gets 405 from a client with the token', async () => {
    const response = await fetch(gateway.url, { method: 'PUT', headers: authorization });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, GET, DELETE']);
  });

  test.each([`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`])('%s opens /mcp', async (header) => {
    const session = await RawSession.open(gateway.url, { headers: { authorization: header } });
    expect((await session.request('ping')).answer.result).toEqual({});
    const stream = await fetch(gateway.url, {
      headers: { accept: 'text/event-stream', authorization: header, 'mcp-session-id': session.id },
    });
    expect(stream.status).toBe(200);
    await stream.body?.cancel();
    const ended = await fetch(gateway.url, {
      method: 'DELETE',
      headers: { authorization: header, 'mcp-session-id': session.id },
    });
    expect(ended.status).toBe(204);
  });

  test('a session does not replace the token', async () => {
    await using session = await RawSession.open(gateway.url, { headers: authorization });
    expect((await rawPost(gateway.url, ping, { 'mcp-session-id': session.id })).status).toBe(401);
  });

  test('reload is open to the token', async () => {
    const response = await fetch(`${gateway.origin}/-/reload`, { method: 'POST', headers: authorization });
    expect(response.status).toBe(200);
  });

  test.each(['/health', '/livez', '/readyz', '/metrics'])('%s stays open', async (path) => {
    expect((await fetch(gateway.origin + path)).status).toBe(200);
  });

  test('a request with a foreign host is refused before its token is checked', async () => {
    const response = await rawPost(gateway.url, ping, { ...authorization, origin: 'http://evil.example' });
    expect(response.status).toBe(403);
  });

  test('no log line and no page shows the token', async () => {
    await rawPost(gateway.url, ping, authorization);
    const shown = [
      gateway.logs.join(''),
      (await gateway.metrics()).text,
      JSON.stringify(await gateway.health()),
    ];
    expect(shown.join('')).not.toContain(token);
  });
});

test('checks of a token are counted, failed ones by their reason', async () => {
  const config = { servers: [], mcp: bearer };
  await using counted = await startGateway(config, { MCPSTEAD_BEARER_TOKEN: token });
  const attempts = [
    authorization,
    authorization,
    {},
    { authorization: `Basic ${token}` },
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer wronger' },
  ];
  for (const headers of attempts as Record<string, string>[]) await rawPost(counted.url, ping, headers);
  await fetch(`${counted.origin}/health`);
  const metrics = await counted.metrics();
  const of = (name: string, label: string, values: string[]) =>
    values.map((value) => metrics.value(`mcpstead_mcp_auth_${name}_total`, { [label]: value }));
  expect(of('attempts', 'result', ['success', 'failure'])).toEqual([2, 4]);
  expect(of('failures', 'reason', ['missing_header', 'bad_format', 'wrong_token', 'internal'])).toEqual([
    1, 1, 2, 0,
  ]);
});

test('a token that is not required causes a warning at the start and after a reload, and is not shown', async () => {
  const warned = (started: TestGateway) =>
    started.logs.filter((line) =>
      line.includes(
        'MCPSTEAD_BEARER_TOKEN is set, but mcp.auth.mode is none: clients need no token; to ask for it write',
      ),
    ).length;
  await using open = await startGateway({ servers: [] }, { MCPSTEAD_BEARER_TOKEN: token });
  expect(warned(open)).toBe(1);
  await open.reload({ servers: [], mcp: bearer });
  expect(warned(open)).toBe(1);
  await open.reload({ servers: [] });
  expect(warned(open)).toBe(2);
  expect(open.logs.join('')).not.toContain(token);
  await using without = await startGateway({ servers: [] }, { MCPSTEAD_BEARER_TOKEN: '' });
  expect(warned(without)).toBe(0);
});

test('a reload turns bearer mode on and off', async () => {
  await using reloaded = await startGateway({ servers: [] }, { MCPSTEAD_BEARER_TOKEN: token });
  expect((await rawPost(reloaded.url, ping)).status).toBe(200);
  await reloaded.reload({ servers: [], mcp: bearer });
  expect((await rawPost(reloaded.url, ping)).status).toBe(401);
  expect((await rawPost(reloaded.url, ping, authorization)).status).toBe(200);
  await reloaded.reload({ servers: [] });
  expect((await rawPost(reloaded.url, ping)).status).toBe(200);
  // Without a token nothing is checked.
  expect((await reloaded.metrics()).value('mcpstead_mcp_auth_attempts_total', { result: 'success' })).toBe(1);
});
