import { describe, expect, test } from 'bun:test';
import { type FakeUpstreamOptions, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

/** The reason in /health why a server with these answers is not connected. */
async function causeAgainst(options: FakeUpstreamOptions, server: object = {}): Promise<string | null> {
  await using upstream = await fakeUpstream(options);
  const config = { servers: [{ name: 'up', url: upstream.url, ...server }] };
  await using gateway = await startGateway(config, { UP_TOKEN: 'token-0815' });
  const { servers } = await gateway.waitFor('the cause', ({ servers: [up] }) => up?.last_error !== null);
  const cause = servers[0]?.last_error ?? null;
  // The log has the same words.
  expect(gateway.logs.map((line) => JSON.parse(line).cause)).toContain(cause);
  return cause;
}

describe('a server that refuses to initialize is quoted:', () => {
  test.each<[string, () => Response, string]>([
    [
      'its text',
      () => new Response('Invalid Host; use localhost:3000', { status: 403 }),
      'answered HTTP 403: "Invalid Host; use localhost:3000"',
    ],
    [
      'its JSON',
      () => Response.json({ error: 'no such tenant' }, { status: 400 }),
      'answered HTTP 400: "no such tenant" over Streamable HTTP, and over HTTP+SSE: answered HTTP 405',
    ],
    [
      'its JSON-RPC',
      () =>
        Response.json(
          { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad key' } },
          { status: 401 },
        ),
      'answered HTTP 401: "Bad key"',
    ],
    [
      'its challenge',
      () =>
        new Response(null, {
          status: 401,
          headers: {
            'www-authenticate': 'Bearer error="invalid_token", error_description="The token expired"',
          },
        }),
      'answered HTTP 401: "The token expired"',
    ],
    [
      'its title',
      () => new Response('<html><title>503 Down for maintenance</title>', { status: 503 }),
      'answered HTTP 503: "Down for maintenance"',
    ],
    ['no page', () => new Response('<html><body>key-4711</body>', { status: 500 }), 'answered HTTP 500'],
    [
      'no word of ours',
      () => new Response('token-0815 of http://me:pw@up.example/?k=v is wrong', { status: 403 }),
      'answered HTTP 403: "[redacted] of http://up.example/ is wrong"',
    ],
    [
      'one line',
      () => new Response('no\r\n\tand\u001b[31m no', { status: 403 }),
      'answered HTTP 403: "no and no"',
    ],
  ])('%s', async (_name, answer, cause) => {
    const auth = { type: 'bearer', token_env: 'UP_TOKEN' };
    expect(await causeAgainst({ onPost: answer }, { auth })).toBe(cause);
  });

  test('200 characters at most', async () => {
    const cause = await causeAgainst({ onPost: () => new Response('long '.repeat(100), { status: 403 }) });
    expect(cause).toMatch(/^answered HTTP 403: "long .*…"$/);
    expect(cause).toHaveLength('answered HTTP 403: ""'.length + 200);
  });

  test('over HTTP+SSE', async () => {
    const onGet = () => new Response('no streams for you', { status: 403 });
    expect(await causeAgainst({ onGet }, { protocol: 'sse' })).toBe(
      'answered HTTP 403: "no streams for you"',
    );
  });
});

test('a server that refuses a call is quoted', async () => {
  await using upstream = await fakeUpstream({
    onPost: ({ method }) =>
      method === 'tools/call'
        ? Response.json({ detail: 'over quota until 14:00' }, { status: 429 })
        : undefined,
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/call', { name: 'up__echo' });
  expect(answer.error).toEqual({
    code: -32000,
    message: 'upstream "up": answered HTTP 429: "over quota until 14:00"',
    data: { server: 'up', reason: 'upstream_protocol_error' },
  });
});
