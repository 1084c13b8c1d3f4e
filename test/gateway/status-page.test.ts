import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connectV1 } from '../support/clients.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { rawConnection, rawRequest } from '../support/raw-http.ts';
import { rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { within } from '../support/wait.ts';

failOnStrayErrors();

const token = 'the-bearer-token';
const env = { MCPSTEAD_BEARER_TOKEN: token };
const bearerMode = { auth: { mode: 'bearer' } };
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const script = '<script>alert(1)</script>';
const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;';

/** The page, as a browser gets it. */
async function pageAt(gateway: TestGateway, path = '/', headers: Record<string, string> = {}) {
  const response = await fetch(gateway.origin + path, { headers: { ...browser, ...headers } });
  return { response, text: await response.text() };
}

/** What stands in the page for people. */
const shown = (text: string) =>
  text
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

/** Posts the form as a browser does. */
const signIn = (gateway: TestGateway, value: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.origin}/-/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...browser, origin: gateway.origin, ...headers },
    body: new URLSearchParams({ token: value }),
  });

/** The `Cookie` header after the form was posted with the token. */
async function signedIn(gateway: TestGateway): Promise<{ cookie: string }> {
  const cookie = (await signIn(gateway, token)).headers.get('set-cookie') ?? '';
  return { cookie: cookie.split(';', 1)[0] as string };
}

describe('the page and its files', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ servers: [] });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test.each([
    ['/', 'text/html;charset=utf-8'],
    ['/-/page.js', 'text/javascript;charset=utf-8'],
    ['/-/page.css', 'text/css;charset=utf-8'],
    ['/-/page.svg', 'image/svg+xml'],
  ])('%s comes with headers that let nothing else run or load, to HEAD as well', async (path, type) => {
    const { response, text } = await pageAt(gateway, path);
    expect(response.status).toBe(200);
    expect(text.length).toBeGreaterThan(200);
    using connection = await rawConnection(gateway.origin);
    const { host } = new URL(gateway.origin);
    connection.write(`HEAD ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const head = await connection.answer({ head: true });
    expect(head.status).toBe(200);
    for (const headers of [response.headers, head.headers]) {
      expect(headers.get('content-type')).toBe(type);
      expect(headers.get('content-security-policy')).toBe(policy);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  test.each(['/', '/-/page.js', '/-/page.css', '/-/page.svg'])(
    '%s is closed to foreign hosts and origins',
    async (path) => {
      expect((await pageAt(gateway, path, { host: 'evil.example' })).response.status).toBe(403);
      expect((await pageAt(gateway, path, { origin: 'http://evil.example' })).response.status).toBe(403);
    },
  );

  test('the page has no script and no style of its own, and no handler in an attribute', async () => {
    const { text } = await pageAt(gateway);
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/i);
  });

  test('a page without servers, clients, calls and profiles says what to do', async () => {
    const text = shown((await pageAt(gateway)).text);
    expect(text).toContain('No server is configured yet.');
    expect(text).toContain('mcpstead import adds the servers of');
    expect(text).toContain('mcpstead add NAME URL');
    expect(text).toContain('No client is connected. mcpstead connect CLIENT');
    expect(text).toContain('No tool was called yet.');
    expect(text).toContain('No profile is configured.');
  });

  test('without a token nobody needs to sign in, and the form leads to the page', async () => {
    const response = await signIn(gateway, 'anything');
    expect([response.status, response.headers.get('location')]).toEqual([303, '../']);
    expect(response.headers.get('set-cookie')).toBe(null);
  });
});

describe('the page of a gateway with servers', () => {
  test('shows each server with its state, tools, calls and errors; clients, calls and profiles', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        { name: 'up', url: upstream.url, required: true },
        { name: 'down', url: 'http://127.0.0.1:9/mcp' },
        { name: 'off', url: 'http://127.0.0.1:9/mcp', enabled: false },
      ],
      profiles: [{ name: 'review', servers: ['up', 'down'] }],
    });
    await gateway.connected('up');
    await gateway.waitFor('an error', ({ servers }) => servers[1]?.last_error !== null);
    await using client = await connectV1(gateway.url);
    await client.call('up__echo', { secret: 'argument-of-the-call' });

    const { text } = await pageAt(gateway);
    const all = shown(text);
    expect(all).toContain(`${gateway.url} Copy`);
    expect(all).toContain('1 of 2 ready');
    const rows = [...text.matchAll(/<tbody data-key="(\w+)" data-state="(\w+)".*?<\/tbody>/gs)];
    expect(rows.map(([, name, state]) => [name, state])).toEqual([
      ['up', 'ready'],
      ['down', 'backoff'],
      ['off', 'disabled'],
    ]);
    const [up, down, off] = rows.map(([row]) => shown(row).trim());
    expect(up).toMatch(
      /^up required http:\/\/127\.0\.0\.1:\d+\/mcp ready legacy 2025-11-25 streamable 1 \d+ 1 0 [\d.]+ ms – – 1 tool of up/,
    );
    expect(down).toMatch(/^down \S+ backoff – auto 0 0 0 0 – \d+ s connection refused by 127\.0\.0\.1:9/);
    expect(off).toMatch(/^off \S+ disabled – auto – – – – – – –$/);
    expect(text).toMatch(/<th scope="row" class="server"><span class="name">up<\/span>/);
    expect(all).toMatch(/Client Version Era Sessions client-v1 1\.0\.0 legacy 1 Last calls/);
    expect(all).toMatch(/\d\d:\d\d:\d\d up echo client-v1 [\d.]+ ms ok/);
    expect(all).toContain(`review up, down ${gateway.url}/review`);
    expect(text).not.toContain('argument-of-the-call');
  });

  test('lists the tools of the servers that the query names, and of no other', async () => {
    await using upstream = await fakeUpstream({
      tools: [{ name: 'first', description: 'Does one thing\nand more', inputSchema: { type: 'object' } }],
    });
    await using gateway = await startGateway({
      servers: ['a', 'b'].map((name) => ({ name, url: upstream.url })),
    });
    await gateway.connected();
    const closed = (await pageAt(gateway)).text;
    expect(closed).not.toContain('a__first');
    expect(closed).toContain('<a href="?tools=a#server-a">');
    const open = (await pageAt(gateway, '/?tools=a&tools=unknown')).text;
    expect(shown(open)).toMatch(/Tool Description Tokens a__first Does one thing \d+/);
    expect(open).toContain('<details data-tools="a" open>');
    expect(open).not.toContain('b__first');
  });

  test('shows how each client is connected, for the address by which the page was reached', async () => {
    await using gateway = await startGateway({ servers: [], mcp: { allowed_hosts: ['mcp.example.com'] } });
    const local = (await pageAt(gateway)).text;
    expect(shown(local)).toContain(
      `Cursor ~/.cursor/mcp.json { &quot;mcpServers&quot;: { &quot;mcpstead&quot;: { &quot;url&quot;: &quot;${gateway.url}&quot; }`,
    );
    expect(shown(local)).toContain(`[mcp_servers.mcpstead] url = &quot;${gateway.url}&quot;`);
    expect(shown(local)).toContain('mcpstead connect --all');
    const remote = shown(
      (
        await pageAt(gateway, '/', {
          host: 'mcp.example.com',
          'x-forwarded-proto': 'https',
          'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)',
        })
      ).text,
    );
    expect(remote).toContain('%USERPROFILE%\\.cursor\\mcp.json');
    expect(remote).toContain('&quot;url&quot;: &quot;https://mcp.example.com/mcp&quot;');
    expect(remote).toContain('&quot;stdio&quot;, &quot;--url&quot;, &quot;https://mcp.example.com/mcp&quot;');
    expect(remote).not.toContain('mcpstead connect --all');
    expect(remote).not.toContain('127.0.0.1');
  });

  test('escapes what servers, tools and clients say', async () => {
    await using upstream = await fakeUpstream({
      tools: [
        { name: script, title: script, description: script, inputSchema: { type: 'object' } },
        { name: '" onclick="x', description: "' x", inputSchema: { type: 'object' } },
      ],
    });
    await using failing = await fakeUpstream({
      onPost: ({ id, method }) =>
        method === 'initialize'
          ? Response.json({ jsonrpc: '2.0', id, error: { code: -32603, message: script } })
          : undefined,
    });
    await using gateway = await startGateway({
      servers: [
        { name: 'up', url: upstream.url },
        { name: 'failing', url: failing.url },
      ],
    });
    await gateway.connected('up');
    await gateway.waitFor('the error', ({ servers }) => servers[1]?.last_error?.includes('script') ?? false);
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: script, version: script },
    };
    const opened = await rawPost(gateway.url, {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: initialize,
    });
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: `up__${script}` } };
    await (await rawPost(gateway.url, call, session)).text();

    const { text } = await pageAt(gateway, '/?tools=up');
    expect(text).not.toContain('<script>');
    expect(text).not.toContain('" onclick');
    const parts = [
      // The key of the row; name, title and description of the tool.
      [/<table class="tools">.*?<\/table>/s, 4],
      // Name and version of the client.
      [/<h2 id="clients">.*?<\/section>/s, 2],
      // The name of the tool, and that of the client.
      [/<h2 id="calls">.*?<\/section>/s, 2],
    ] as const;
    for (const [part, expected] of parts) {
      const [section = ''] = part.exec(text) ?? [];
      expect([part, section.split(escaped).length - 1]).toEqual([part, expected]);
    }
    expect(/<span class="error-text">(.*?)<\/span>/s.exec(text)?.[1]).toContain(escaped);
    expect(text).toContain('&quot; onclick=&quot;x');
  });
});

describe('beyond loopback without a token', () => {
  let gateway: TestGateway;
  let origin: string;
  beforeAll(async () => {
    gateway = await startGateway({ servers: [], host: '0.0.0.0' });
    origin = `http://127.0.0.1:${gateway.gateway.port}`;
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('the page is open under any name, and closed to foreign origins', async () => {
    const statusOf = async (headers: Record<string, string>) => (await fetch(origin, { headers })).status;
    expect(await statusOf({ host: 'gateway.example:8766' })).toBe(200);
    expect(await statusOf({ host: 'gateway.example:8766', origin: 'http://evil.example' })).toBe(403);
  });

  test.each(['Host: a b"c', 'Host: <script>', 'Host: [::', 'Host: x:99999999'])(
    'a request with %p, which is no host, gets the page with the address of the gateway itself',
    async (line) => {
      const { status, body } = await rawRequest(origin, ['GET /?tools=a HTTP/1.1', line]);
      expect(status).toBe(200);
      expect(body).toContain(`<code>${origin}/mcp</code>`);
      expect(body).not.toContain('<script>');
    },
  );
});

describe('in bearer mode', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ servers: [], mcp: bearerMode }, env);
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('a browser gets the form, and whoever asks for no HTML an error', async () => {
    const { response, text } = await pageAt(gateway);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="mcpstead"');
    expect(response.headers.get('content-security-policy')).toBe(policy);
    expect(text).toContain('<form method="post" action="-/login">');
    expect(text).not.toContain('Servers');
    const other = await fetch(gateway.origin);
    expect([other.status, await other.json()]).toEqual([
      401,
      {
        error:
          'a bearer token is required: send "Authorization: Bearer TOKEN" with the value of MCPSTEAD_BEARER_TOKEN as TOKEN',
      },
    ]);
  });

  test('the bearer token in a header opens the page, too', async () => {
    const { response, text } = await pageAt(gateway, '/', { authorization: `Bearer ${token}` });
    expect(response.status).toBe(200);
    expect(shown(text)).toContain('Clients need the bearer token.');
    expect(text).not.toContain(token);
  });

  test('the token in the query opens nothing', async () => {
    for (const name of ['token', 'access_token', 'apikey'])
      expect((await pageAt(gateway, `/?${name}=${token}`)).response.status).toBe(401);
  });

  test('style and icon of the form need no token', async () => {
    for (const path of ['/-/page.css', '/-/page.svg'])
      expect((await pageAt(gateway, path)).response.status).toBe(200);
  });

  test('the right token leads to the page with a cookie that is not the token', async () => {
    const response = await signIn(gateway, ` ${token}\n`);
    expect([response.status, response.headers.get('location')]).toEqual([303, '../']);
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^mcpstead_\d+=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
      ) as unknown as string,
    ]);
    expect(response.headers.get('set-cookie')).toStartWith(`mcpstead_${new URL(gateway.origin).port}=`);
    expect(response.headers.get('set-cookie')).not.toContain(token);
  });

  test.each([
    ['the origin', (host: string) => ({ origin: `https://${host}` })],
    ['a proxy', () => ({ 'x-forwarded-proto': 'https' })],
  ])('the cookie is for https only if %s says that the browser uses it', async (_, headers) => {
    const response = await signIn(gateway, token, headers(new URL(gateway.origin).host));
    expect(response.headers.get('set-cookie')).toEndWith('; HttpOnly; SameSite=Strict; Secure');
  });

  test('the cookie opens the page and what it reads, and nothing else', async () => {
    const cookie = await signedIn(gateway);
    const statusOf = async (method: string, path: string) => {
      const headers = { ...cookie, 'content-type': 'application/json', origin: gateway.origin };
      const response = await fetch(gateway.origin + path, { method, headers });
      await response.body?.cancel();
      return response.status;
    };
    for (const path of ['/', '/-/servers', '/-/tools', '/-/events', '/-/logs'])
      expect([path, await statusOf('GET', path)]).toEqual([path, 200]);
    for (const [method, path] of [
      ['POST', '/mcp'],
      ['GET', '/mcp'],
      ['POST', '/-/reload'],
      ['POST', '/-/servers/any/reconnect'],
    ] as const)
      expect([method, path, await statusOf(method, path)]).toEqual([method, path, 401]);
  });

  test.each(['', 'x', 'the-bearer-tokem', 'the-bearer-token2'])(
    'the wrong token %p gets the form again with an error, and no cookie',
    async (wrong) => {
      await using other = await startGateway({ servers: [], mcp: bearerMode }, env);
      const response = await signIn(other, wrong);
      expect([response.status, response.headers.get('set-cookie')]).toEqual([401, null]);
      const text = await response.text();
      expect(text).toContain('This is not the gateway&#x27;s bearer token.');
      expect(text).toContain('<form method="post" action="../-/login">');
      expect(text).toContain('href="../-/page.css"');
    },
  );

  test.each([
    ['a foreign origin', { origin: 'http://127.0.0.1:1' }, 403],
    ['no origin', { origin: 'null' }, 403],
    ['a body of another type', { 'content-type': 'text/plain' }, 415],
  ])('a form with %s is refused', async (_, headers, status) => {
    const response = await signIn(gateway, token, headers);
    expect([response.status, response.headers.get('set-cookie')]).toEqual([status, null]);
  });

  test('a form that is too long is refused', async () => {
    const response = await signIn(gateway, 'x'.repeat(10_000));
    expect(response.status).toBe(413);
    expect(await response.text()).toContain('No token is that long.');
  });

  test('wrong tokens are bounded: after ten the right one has to wait, and the header still works', async () => {
    await using other = await startGateway({ servers: [], mcp: bearerMode }, env);
    for (let attempt = 0; attempt < 10; attempt++)
      expect((await signIn(other, `wrong-${attempt}`)).status).toBe(401);
    const refused = await signIn(other, token);
    expect([refused.status, refused.headers.get('set-cookie')]).toEqual([429, null]);
    expect(Number(refused.headers.get('retry-after'))).toBeWithin(1, 7);
    expect(await refused.text()).toContain('Too many wrong tokens were tried. Try again in');
    expect((await pageAt(other, '/', { authorization: `Bearer ${token}` })).response.status).toBe(200);
    const metrics = await other.metrics();
    expect(metrics.value('mcpstead_mcp_auth_failures_total', { reason: 'wrong_token' })).toBe(10);
  });

  test('a reload of the form leads back to the page', async () => {
    const response = await fetch(`${gateway.origin}/-/login`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([303, '../']);
  });

  test('signing out ends the session', async () => {
    const cookie = await signedIn(gateway);
    const post = { method: 'POST', headers: { ...cookie, origin: gateway.origin } } as const;
    const response = await fetch(`${gateway.origin}/-/logout`, {
      ...post,
      redirect: 'manual',
      body: new URLSearchParams(),
    });
    expect([response.status, response.headers.get('location')]).toEqual([303, '../']);
    expect(response.headers.get('set-cookie')).toContain('; Max-Age=0;');
    expect((await pageAt(gateway, '/', cookie)).response.status).toBe(401);
  });

  test('a session ends when the token changes, and stays when a reload leaves it', async () => {
    await using other = await startGateway({ servers: [], mcp: bearerMode }, env);
    const cookie = await signedIn(other);
    await other.reload({ servers: [{ name: 'more', url: 'http://127.0.0.1:9/mcp' }], mcp: bearerMode });
    expect((await pageAt(other, '/', cookie)).response.status).toBe(200);
    await other.reload({ servers: [] });
    await other.reload({ servers: [], mcp: bearerMode });
    expect((await pageAt(other, '/', cookie)).response.status).toBe(401);
  });

  test('a live stream ends with the token that it was opened under', async () => {
    await using other = await startGateway({ servers: [] }, env);
    const stream = await fetch(`${other.origin}/-/events`);
    await other.reload({ servers: [], mcp: bearerMode });
    expect(await within('the end of the stream', stream.text())).toContain('"auth":"none"');
    expect((await fetch(`${other.origin}/-/events`)).status).toBe(401);
  });

  test('no log line has the token or a cookie', async () => {
    const { cookie } = await signedIn(gateway);
    const logs = gateway.logs.join('');
    expect(logs).not.toContain(token);
    expect(logs).not.toContain(cookie.split('=')[1] as string);
  });
});
