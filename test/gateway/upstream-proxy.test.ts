import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeUpstream } from '../support/fake-upstream.ts';
import type { Health } from '../support/gateway.ts';
import { httpProxy } from '../support/http-proxy.ts';
import { startProgram } from '../support/program.ts';
import { RawSession } from '../support/rpc.ts';
import { certificateFor } from '../support/tls.ts';
import { waitUntil } from '../support/wait.ts';

setDefaultTimeout(30_000);

/** Names that only the proxy resolves. */
const certificate = certificateFor('secure.test', '192.0.2.1');
const proxyCertificate = certificateFor('localhost', '127.0.0.1');

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

/** The program with these servers, in an environment with these proxies, trusting both certificates. */
async function serve(
  servers: { name: string; url: string; tls_skip_verify?: boolean }[],
  env: Record<string, string>,
) {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-proxy-'));
  const config = join(folder, 'config.yaml');
  const authorities = join(folder, 'ca.pem');
  // JSON is YAML, too.
  writeFileSync(config, JSON.stringify({ port: 0, logging: { level: 'trace' }, servers }));
  writeFileSync(authorities, certificate.cert + proxyCertificate.cert);
  const program = startProgram(['--config', config], {
    env: {
      ...Object.fromEntries(proxyNames.map((name) => [name, undefined])),
      NODE_EXTRA_CA_CERTS: authorities,
      ...env,
    },
  });
  try {
    await program.printed('serving http://');
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(program.stderr())?.[0] ?? '';
    const health = async () => await (await fetch(`${origin}/health`)).text();
    const settled = await waitUntil('every server to be connected or refused', async () => {
      const { servers: seen } = JSON.parse(await health()) as Health;
      return seen.every(({ connected, last_error }) => connected || last_error !== null) && seen;
    });
    return {
      url: `${origin}/mcp`,
      /** By name: the tools, or the error. */
      servers: Object.fromEntries(
        (settled || []).map((server) => [server.name, server.last_error ?? server.tools_count]),
      ),
      /** Everything that it shows: logs, health and metrics. */
      shown: async () =>
        [
          await health(),
          await (await fetch(`${origin}/metrics`)).text(),
          program.stderr(),
          program.stdout(),
        ].join('\n'),
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.each([
  ['a plain proxy', undefined, 'http'],
  ['a proxy at an https URL', proxyCertificate, 'https'],
])('through %s', (_name, tls, scheme) => {
  test('tools are listed and called, and its credentials reach only the proxy', async () => {
    await using plain = await fakeUpstream();
    await using secure = await fakeUpstream({ tls: certificate });
    await using proxy = await httpProxy({ ...(tls && { tls }) });
    await using program = await serve(
      [
        { name: 'plain', url: `http://plain.test:${plain.port}/mcp` },
        { name: 'secure', url: `https://secure.test:${secure.port}/mcp` },
        { name: 'address', url: `https://192.0.2.1:${secure.port}/mcp` },
      ],
      { all_proxy: `${scheme}://proxy-user:proxy%2Fsecret@127.0.0.1:${proxy.port}` },
    );
    expect(program.servers).toEqual({ plain: 1, secure: 1, address: 1 });
    await using session = await RawSession.open(program.url);
    for (const name of ['plain', 'secure', 'address']) {
      expect(await session.callText(`${name}__echo`, { to: name })).toBe(`{"to":"${name}"}`);
    }

    const basic = `Basic ${Buffer.from('proxy-user:proxy/secret').toString('base64')}`;
    const asked = new Set(
      proxy.received.map(({ method, target, headers }) =>
        [method, target, headers['proxy-authorization'] === basic].join(' '),
      ),
    );
    expect([...asked].toSorted()).toEqual([
      `CONNECT 192.0.2.1:${secure.port} true`,
      `CONNECT secure.test:${secure.port} true`,
      `GET http://plain.test:${plain.port}/mcp true`,
      `POST http://plain.test:${plain.port}/mcp true`,
    ]);
    const sent = JSON.stringify(
      [plain, secure].map(({ received }) => received.map(({ headers, body }) => [...headers, body])),
    );
    const shown = await program.shown();
    for (const secret of [
      'proxy-user',
      'proxy/secret',
      'proxy%2Fsecret',
      basic,
      basic.slice('Basic '.length),
    ]) {
      expect(sent).not.toContain(secret);
      expect(shown).not.toContain(secret);
    }
  });

  test('the certificate of a server is checked for its own name, not for that of the proxy', async () => {
    await using upstream = await fakeUpstream({ tls: certificate });
    // It has the name of the proxy only.
    await using impostor = await fakeUpstream({ tls: proxyCertificate });
    await using proxy = await httpProxy({ ...(tls && { tls }) });
    await using program = await serve(
      [
        { name: 'right', url: `https://secure.test:${upstream.port}/mcp` },
        { name: 'wrong', url: `https://other.test:${upstream.port}/mcp` },
        { name: 'wrong_address', url: `https://192.0.2.2:${upstream.port}/mcp` },
        { name: 'impostor', url: `https://secure.test:${impostor.port}/mcp` },
        { name: 'lax', url: `https://other.test:${upstream.port}/mcp`, tls_skip_verify: true },
      ],
      { HTTPS_PROXY: `${scheme}://127.0.0.1:${proxy.port}` },
    );
    const refused = (host: string) =>
      `TLS handshake failed (ERR_TLS_CERT_ALTNAME_INVALID): the certificate of ${host} is for other names; the URL must use one of those`;
    expect(program.servers).toEqual({
      right: 1,
      wrong: refused(`other.test:${upstream.port}`),
      wrong_address: refused(`192.0.2.2:${upstream.port}`),
      impostor: refused(`secure.test:${impostor.port}`),
      lax: 1,
    });
    expect(impostor.received).toEqual([]);
    const hosts = new Set(upstream.received.map(({ headers }) => headers.get('host')));
    expect([...hosts].toSorted()).toEqual([`other.test:${upstream.port}`, `secure.test:${upstream.port}`]);
  });
});

test('the refusal of a proxy is reported, for tunnels and for plain requests', async () => {
  await using proxy = await httpProxy({
    answer: 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n',
  });
  await using program = await serve(
    [
      { name: 'plain', url: 'http://plain.test/mcp' },
      { name: 'secure', url: 'https://secure.test/mcp' },
    ],
    { ALL_PROXY: `127.0.0.1:${proxy.port}` },
  );
  const refusal = `the proxy 127.0.0.1:${proxy.port} (ALL_PROXY) answered HTTP 407: it wants a user name and password (ALL_PROXY=http://USER:PASSWORD@…)`;
  expect(program.servers).toEqual({ plain: refusal, secure: refusal });
});

test('an unsupported kind of proxy is reported, and not bypassed', async () => {
  await using upstream = await fakeUpstream();
  await using program = await serve(
    [
      { name: 'plain', url: 'http://plain.test/mcp' },
      { name: 'secure', url: 'https://secure.test/mcp' },
      { name: 'here', url: upstream.url },
    ],
    {
      HTTPS_PROXY: 'socks5://proxy-user:proxy-secret@127.0.0.1:1080',
      http_proxy: '',
      HTTP_PROXY: 'what is this',
    },
  );
  expect(program.servers).toEqual({
    plain: 'HTTP_PROXY is no URL; expected http://HOST:PORT, or NO_PROXY=plain.test to go past it',
    secure:
      'HTTPS_PROXY names a proxy that is not supported, socks5://127.0.0.1:1080; expected http://HOST:PORT, or NO_PROXY=secure.test to go past it',
    here: 1,
  });
  expect(await program.shown()).not.toMatch(/proxy-user|proxy-secret/);
});
