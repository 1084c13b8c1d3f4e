import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hangUp, rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startProgram } from '../support/program.ts';
import { messagesOf, rawPost } from '../support/rpc.ts';
import { tcpUpstream } from '../support/tcp.ts';
import { selfSignedCertificate } from '../support/tls.ts';
import { waitUntil } from '../support/wait.ts';

setDefaultTimeout(20_000);

/** The program with these servers, in a process and an environment of its own, once all are connected. */
async function serve(servers: object[], env: Record<string, string | undefined> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-upstream-'));
  const config = join(folder, 'config.yaml');
  // JSON is YAML, too.
  writeFileSync(config, JSON.stringify({ port: 0, servers }));
  const program = startProgram(['--config', config], { env });
  try {
    await program.printed('serving http://');
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(program.stderr())?.[0] ?? '';
    await waitUntil('all upstreams', async () => {
      const health = (await (await fetch(`${origin}/health`)).json()) as {
        servers: { connected: boolean }[];
      };
      return health.servers.every(({ connected }) => connected);
    });
    return { origin, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a proxy in the environment is not used for upstreams on this machine', async () => {
  let asked = 0;
  using proxy = tcpUpstream(() => {
    asked++;
    return hangUp;
  });
  await using upstream = await fakeUpstream();
  const { origin: proxyUrl } = new URL(proxy.url);
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];
  const env = {
    ...Object.fromEntries(names.map((name) => [name, proxyUrl])),
    NO_PROXY: undefined,
    no_proxy: undefined,
  };
  const hosts = ['127.0.0.1', 'localhost'];
  const servers = hosts.map((host) => ({ name: host, url: `http://${host}:${upstream.port}/mcp` }));
  await using _program = await serve(servers, env);
  expect(asked).toBe(0);
});

test('a certificate authority that NODE_EXTRA_CA_CERTS names is trusted', async () => {
  const tls = selfSignedCertificate();
  await using upstream = await fakeUpstream({ tls });
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-ca-'));
  try {
    const authority = join(folder, 'ca.pem');
    writeFileSync(authority, tls.cert);
    await using _program = await serve([{ name: 'up', url: upstream.url }], {
      NODE_EXTRA_CA_CERTS: authority,
    });
    expect(upstream.messages('tools/list')).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('600 slow calls to one upstream all run at the same time', async () => {
  const all = Promise.withResolvers<void>();
  let running = 0;
  await using upstream = await fakeUpstream({
    async onPost({ id, method, params }) {
      if (method !== 'tools/call') return undefined;
      if (++running === 600) all.resolve();
      await all.promise;
      return rpcResult(id, { content: [{ type: 'text', text: String(params.arguments.index) }] });
    },
  });
  await using program = await serve([{ name: 'up', url: upstream.url }]);
  const batches = Array.from({ length: 6 }, (_, batch) =>
    Array.from({ length: 100 }, (_, call) => {
      const index = batch * 100 + call;
      const params = { name: 'up__echo', arguments: { index } };
      return { jsonrpc: '2.0', id: index, method: 'tools/call', params };
    }),
  );
  const answers = await Promise.all(
    batches.map(async (batch) => Array.fromAsync(messagesOf(await rawPost(`${program.origin}/mcp`, batch)))),
  );
  const texts = answers.flat().map(({ id, result }) => [id, result.content[0].text]);
  expect(texts).toHaveLength(600);
  expect(texts.every(([id, text]) => String(id) === text)).toBe(true);
});
