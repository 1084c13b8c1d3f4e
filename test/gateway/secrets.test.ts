import { describe, expect, test } from 'bun:test';
import { rpcError, rpcResult, sse, sseEvent } from '../support/answers.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { type FakeAnswer, fakeUpstream, type Received } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { selfSignedCertificate } from '../support/tls.ts';
import { freePort, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const env = {
  MCPSTEAD_BEARER_TOKEN: 'downstream-token-d1',
  UP_TOKEN: 'upstream-token-u2',
  VARIABLE: 'variable/value "quoted" v3',
  IN_PATH: 'path-value-p4',
  IN_QUERY: 'query-value-q5',
};
const headerValue = 'header-value-h6';
const basic = `Basic ${Buffer.from('user:basic-password-b7').toString('base64')}`;

/** The secret as text, and in the forms in which a server may quote it. */
const secrets = [
  ...Object.values(env).flatMap((value) => [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
  ]),
  headerValue,
  basic,
  basic.slice('Basic '.length),
];

/** Puts a secret in every place of a server's configuration that can hold one. */
const secretive = (name: string, url: string) => ({
  name,
  url: `${url}/\${IN_PATH}?key=\${IN_QUERY}&plain=${headerValue}`,
  headers: { 'X-Plain': headerValue, 'X-Variable': `\${VARIABLE}`, 'X-Basic': basic },
  auth: { type: 'bearer', token_env: 'UP_TOKEN' },
  reconnect: promptReconnect,
  timeouts: { connect_seconds: 2 },
});

/** Everything that was sent to the upstream, as a failing server quotes it. */
function quoted({ url, headers, body }: Received): string {
  return `cannot serve ${url.href} with ${JSON.stringify([...headers])} ${[...headers.values()].join(' ')} ${body}`;
}

function secretsIn(text: string): string[] {
  return secrets.filter((secret) => text.includes(secret));
}

async function everythingShown(gateway: TestGateway): Promise<string> {
  const pages = ['/health', '/metrics'].map(
    async (path) => await (await fetch(gateway.origin + path)).text(),
  );
  return [...(await Promise.all(pages)), ...gateway.logs].join('\n');
}

const locked = { auth: { mode: 'bearer' } };
const authorized = { authorization: `Bearer ${env.MCPSTEAD_BEARER_TOKEN}` };

type Fault = (message: RpcMessage, request: Received) => FakeAnswer;
const faults: Record<string, Fault> = {
  'HTTP 400': (_message, request) => new Response(quoted(request), { status: 400 }),
  'HTTP 401 with a challenge': (_message, request) =>
    new Response(quoted(request), {
      status: 401,
      headers: { 'www-authenticate': `Bearer error="${request.headers.get('x-plain')}"` },
    }),
  'HTTP 403': (_message, request) => new Response(quoted(request), { status: 403 }),
  'HTTP 404': (_message, request) => new Response(quoted(request), { status: 404 }),
  'HTTP 500': (_message, request) => new Response(quoted(request), { status: 500 }),
  'HTTP 503': (_message, request) => new Response(quoted(request), { status: 503 }),
  'a reason phrase': (_message, request) =>
    new Response(null, { status: 500, statusText: request.headers.get('x-plain') ?? '' }),
  'a JSON-RPC error': ({ id }, request) => rpcError(id, -32603, quoted(request)),
  'a JSON-RPC error with data and HTTP 500': ({ id }, request) =>
    Response.json(
      {
        jsonrpc: '2.0',
        id,
        error: {
          code: -32603,
          message: quoted(request),
          data: {
            headers: Object.fromEntries(request.headers),
            [request.headers.get('x-variable') ?? '']: 1,
          },
        },
      },
      { status: 500 },
    ),
  'a JSON-RPC error on a stream': ({ id }, request) =>
    sse(sseEvent({ jsonrpc: '2.0', id, error: { code: 1, message: quoted(request) } })),
  'a lost session': (_message, request) =>
    new Response(`session not found: ${quoted(request)}`, { status: 404 }),
  'a redirect to another origin': (_message, { url, headers }) =>
    new Response(null, {
      status: 307,
      headers: { location: `http://example.com/${headers.get('x-plain')}${url.search}` },
    }),
  'a redirect to nowhere': (_message, { headers }) =>
    new Response(null, { status: 307, headers: { location: `http://${headers.get('x-plain')}:port/` } }),
  HTML: (_message, request) => new Response(`<html>${quoted(request)}</html>`),
  'rubbish in JSON': (_message, request) => new Response(`{"a": ${quoted(request)}`),
  'rubbish on a stream': (_message, request) => sse(`data: ${quoted(request)}\n\n`),
  'JSON that is no JSON-RPC': (_message, request) => Response.json({ quoted: quoted(request) }),
};

describe('an upstream that quotes everything reveals no secret', () => {
  test.each(Object.entries(faults))('in answer to a call, with %s', async (_name, fault) => {
    await using upstream = await fakeUpstream({
      onPost: (message, request) => (message.method === 'tools/call' ? fault(message, request) : undefined),
    });
    await using gateway = await startGateway(
      { servers: [secretive('up', upstream.origin)], mcp: locked },
      env,
    );
    await gateway.connected();
    await using session = await RawSession.open(gateway.url, { headers: authorized });
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    const call = upstream.received.find(({ message }) => message.method === 'tools/call');
    // The upstream received them.
    expect(secretsIn(quoted(call as Received)).length).toBeGreaterThanOrEqual(5);
    expect(secretsIn(JSON.stringify(answer))).toEqual([]);
    if (answer.error) expect(answer.error.code).toBeNumber();
    expect(secretsIn(await everythingShown(gateway))).toEqual([]);
  });

  const unknownVersion: Fault = ({ id }, { headers }) =>
    rpcResult(id, { protocolVersion: headers.get('x-plain'), capabilities: {}, serverInfo: {} });
  const attempts = { ...faults, 'an unknown protocol version': unknownVersion };
  test.each(Object.entries(attempts))('in answer to initialize, with %s', async (_name, fault) => {
    await using upstream = await fakeUpstream({ onPost: fault, onGet: (request) => fault({}, request) });
    await using gateway = await startGateway(
      { servers: [secretive('up', upstream.origin)], mcp: locked },
      env,
    );
    await gateway.waitFor('the cause', ({ servers }) => servers[0]?.last_error !== null);
    await using session = await RawSession.open(gateway.url, { headers: authorized });
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error.data).toEqual({
      server: 'up',
      reason: expect.stringMatching(/^upstream_(disconnected|auth_failed)$/),
    });
    expect(secretsIn(JSON.stringify(answer))).toEqual([]);
    expect(secretsIn(await everythingShown(gateway))).toEqual([]);
  });

  test('in the result of a failed tool, which remains a result', async () => {
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }, request) =>
        method === 'tools/call'
          ? rpcResult(id, {
              isError: true,
              content: [{ type: 'text', text: quoted(request) }],
              structuredContent: { count: 1.5, headers: Object.fromEntries(request.headers) },
            })
          : undefined,
    });
    await using gateway = await startGateway(
      { servers: [secretive('up', upstream.origin)], mcp: locked },
      env,
    );
    await gateway.connected();
    await using session = await RawSession.open(gateway.url, { headers: authorized });
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.result).toMatchObject({
      isError: true,
      content: [{ type: 'text' }],
      structuredContent: { count: 1.5, headers: { 'x-plain': '[redacted]' } },
    });
    expect(answer.result.content[0].text).toStartWith('cannot serve http://127.0.0.1:');
    expect(secretsIn(JSON.stringify(answer))).toEqual([]);
    expect(secretsIn(await everythingShown(gateway))).toEqual([]);
  });

  /** Escapes every character, as some serializers do with all but letters. */
  const escaped = (text: string) =>
    Array.from(
      { length: text.length },
      (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join('');
  const escapedTexts = Object.values(env).map(escaped).join(' ');

  test.each([
    ['error', `"error":{"code":-32000,"message":"${escapedTexts}","data":["${escapedTexts}"]}`],
    ['result', `"result":{"isError":true,"content":[{"type":"text","text":"${escapedTexts}"}]}`],
  ])('escaped in a JSON-RPC %s, as JSON and as an event', async (_kind, outcome) => {
    await using upstream = await fakeUpstream({
      onPost: ({ id, method, params }) => {
        if (method !== 'tools/call') return undefined;
        const text = `{"jsonrpc":"2.0","id":${id},${outcome}}`;
        const isStream = params?.name === 'stream';
        return isStream
          ? sse(`event: message\ndata: ${text}\n\n`)
          : new Response(text, { headers: { 'content-type': 'application/json' } });
      },
      tools: [
        { name: 'plain', inputSchema: { type: 'object' } },
        { name: 'stream', inputSchema: { type: 'object' } },
      ],
    });
    await using gateway = await startGateway(
      { servers: [secretive('up', upstream.origin)], mcp: locked },
      env,
    );
    await gateway.connected();
    await using session = await RawSession.open(gateway.url, { headers: authorized });

    for (const name of ['up__plain', 'up__stream']) {
      const { answer } = await session.request('tools/call', { name });
      expect(secretsIn(JSON.stringify(answer))).toEqual([]);
      expect(JSON.stringify(answer)).toContain('[redacted] [redacted]');
    }
    expect(secretsIn(await everythingShown(gateway))).toEqual([]);
  });

  test('in a long result of a failed tool', async () => {
    const content = Array.from({ length: 40_000 }, (_, i) => ({
      type: 'text',
      text: `${i} ${i % 1000 ? '' : env.UP_TOKEN}`,
    }));
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }) =>
        method === 'tools/call' ? rpcResult(id, { isError: true, content }) : undefined,
    });
    await using gateway = await startGateway(
      { servers: [secretive('up', upstream.origin)], mcp: locked },
      env,
    );
    await gateway.connected();
    await using session = await RawSession.open(gateway.url, { headers: authorized });

    const { answer } = await session.request('tools/call', { name: 'up__echo' });

    expect(answer.result.content).toEqual(
      content.map(({ type, text }) => ({ type, text: text.replace(env.UP_TOKEN, '[redacted]') })),
    );
  });

  test.each(['http://{secret}.example.com/messages', 'http://[{secret}/', '/messages?{secret}'])(
    'in the endpoint of its event stream: %s',
    async (endpoint) => {
      await using upstream = await fakeSse({
        endpoint: endpoint.replace('{secret}', headerValue),
        onPost: (_message, request) => new Response(quoted(request), { status: 500 }),
      });
      const server = { ...secretive('up', upstream.origin), protocol: 'sse' };
      await using gateway = await startGateway({ servers: [server], mcp: locked }, env);
      await gateway.waitFor('the cause', ({ servers }) => servers[0]?.last_error !== null);
      expect(secretsIn(await everythingShown(gateway))).toEqual([]);
    },
  );
});

test('ordinary header values are not secrets: an error that contains them passes unchanged', async () => {
  const data = {
    true: true,
    note: 'true',
    debug: ['debug', 'production'],
    type: 'application/json',
    count: '100',
  };
  await using upstream = await fakeUpstream({
    onPost: ({ id, method }) =>
      method === 'tools/call'
        ? Response.json({
            jsonrpc: '2.0',
            id,
            error: { code: -32000, message: 'it is true in production', data },
          })
        : undefined,
  });
  const headers = {
    'X-Debug': 'true',
    'X-Level': 'debug',
    'X-Env': 'production',
    'X-Accept': 'application/json',
    'X-Limit': '100',
  };
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, headers }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);

  const { answer } = await session.request('tools/call', { name: 'up__echo' });

  expect(answer.error).toEqual({ code: -32000, message: 'it is true in production', data });
});

test('an upstream that cannot be reached, or not trusted, reveals no secret', async () => {
  await using untrusted = await fakeUpstream({ tls: selfSignedCertificate() });
  await using gateway = await startGateway(
    {
      servers: [
        secretive('dead', `http://127.0.0.1:${freePort()}`),
        secretive('untrusted', untrusted.origin),
        secretive('nowhere', 'http://upstream.invalid'),
      ],
      mcp: locked,
    },
    env,
  );
  const { servers } = await gateway.waitFor('the causes', (health) =>
    health.servers.slice(0, 2).every(({ last_error }) => last_error !== null),
  );
  expect(servers[0]?.last_error).toMatch(/^connection refused by 127\.0\.0\.1:\d+; is the server running\?$/);
  expect(servers[1]?.last_error).toMatch(/^TLS handshake failed/);
  expect(servers[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\[redacted\]$/);
  await using session = await RawSession.open(gateway.url, { headers: authorized });
  const answers = await Promise.all(
    ['dead', 'untrusted', 'nowhere'].map((name) => session.request('tools/call', { name: `${name}__echo` })),
  );
  expect(secretsIn(JSON.stringify(answers.map(({ answer }) => answer)))).toEqual([]);
  expect(secretsIn(await everythingShown(gateway))).toEqual([]);
});

test('a secret that a reload has replaced remains one for running calls', async () => {
  const release = Promise.withResolvers<void>();
  await using upstream = await fakeUpstream({
    async onPost({ id, method }, request) {
      if (method !== 'tools/call') return undefined;
      await release.promise;
      return rpcError(id, -32603, quoted(request));
    },
  });
  const server = secretive('up', upstream.origin);
  await using gateway = await startGateway({ servers: [server], mcp: locked }, env);
  await gateway.connected();
  await using session = await RawSession.open(gateway.url, { headers: authorized });
  const held = session.request('tools/call', { name: 'up__echo' });
  await waitUntil('the call', () => upstream.executions('echo') === 1);
  for (const value of ['second-value', 'third-value']) {
    await gateway.reload({
      servers: [{ name: 'up', url: upstream.url, headers: { 'X-Plain': value } }],
      mcp: locked,
    });
  }
  release.resolve();
  expect(secretsIn(JSON.stringify((await held).answer))).toEqual([]);
});

test('a configuration that cannot be reloaded shows no secret of the new file either', async () => {
  await using gateway = await startGateway({ servers: [], mcp: locked }, env);
  const bad = { ...secretive('up', 'http://127.0.0.1:1'), headers: { 'X Bad': headerValue }, colour: basic };
  await gateway.reload({ servers: [bad], mcp: locked }).catch(() => {});
  const response = await fetch(`${gateway.origin}/-/reload`, { method: 'POST', headers: authorized });
  expect(response.status).toBe(400);
  expect(secretsIn(await response.text())).toEqual([]);
  expect(secretsIn(await everythingShown(gateway))).toEqual([]);
});

test('a client with a wrong token learns nothing about the right one', async () => {
  await using gateway = await startGateway({ servers: [], mcp: locked }, env);
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const response = await rawPost(gateway.url, ping, {
    authorization: `Bearer ${env.MCPSTEAD_BEARER_TOKEN}x`,
  });
  expect(response.status).toBe(401);
  expect(secretsIn(`${[...response.headers]} ${await response.text()}`)).toEqual([]);
  expect(secretsIn(await everythingShown(gateway))).toEqual([]);
});
