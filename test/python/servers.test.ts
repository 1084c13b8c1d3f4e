import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { startChild } from '../support/child.ts';
import { connectLegacy, connectModern, type EraClient } from '../support/era-clients.ts';
import { startGateway } from '../support/gateway.ts';
import { freePort, waitUntil } from '../support/wait.ts';
import {
  hasPython,
  installOldPackages,
  installPackages,
  oldPython,
  python,
  uvEnvironment,
  uvx,
} from './install.ts';

setDefaultTimeout(120_000);

const script = join(import.meta.dir, 'server.py');

/** The ways in which a server runs, each with its entry in the configuration. */
const ways: Record<string, (kind: string, stack: AsyncDisposableStack) => Promise<object>> = {
  'over HTTP': (kind, stack) => serve(python, kind, 'http', stack),
  'over stdio': async (kind) => ({ command: python, args: [script, kind, 'stdio'] }),
};

const oldWays: Record<string, (stack: AsyncDisposableStack) => Promise<object>> = {
  'over HTTP': (stack) => serve(oldPython, 'fastmcp', 'http', stack),
  'over HTTP+SSE': (stack) => serve(oldPython, 'fastmcp', 'sse', stack),
  'over stdio': async () => ({ command: oldPython, args: [script, 'fastmcp', 'stdio'] }),
};

/** Starts a gateway in front of a server, and a client in the server's own view. */
async function reach(
  stack: AsyncDisposableStack,
  server: object,
  connect: (url: string) => Promise<EraClient>,
): Promise<EraClient> {
  const gateway = stack.use(await startGateway({ servers: [{ name: 'up', ...server }] }));
  await gateway.waitFor('the server', ({ servers }) => servers[0]?.connected === true, 60_000);
  return stack.use(await connect(`${gateway.url}/up`));
}

/** Starts a server over HTTP or HTTP+SSE; its entry in the configuration. */
async function serve(program: string, kind: string, transport: 'http' | 'sse', stack: AsyncDisposableStack) {
  const port = freePort();
  const command = [program, script, kind, transport, `${port}`];
  // To import FastMCP takes 3 s of CPU time, which is long on a busy machine.
  const child = await startChild(command, { ready: 'Uvicorn running', timeoutMs: 60_000 });
  stack.defer(() => child.end());
  return { url: `http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}` };
}

const everyTool = ['add', 'hold', 'count_cancellations', 'steps', 'ask', 'ask_either', 'sample'];

/** What a client of any era sees of a server of any era. */
async function seeAll(client: EraClient, tools = everyTool): Promise<void> {
  expect(await client.toolNames()).toEqual(tools);
  expect(await client.call('add', { a: 1, b: 2 })).toBe('3');
  expect(await client.watch('steps')).toMatchObject({ text: '3 steps done', progress: [1, 2, 3] });
  expect(await client.resourceUris()).toEqual(['data://note']);
  expect(await client.read('data://note')).toBe('a note');
  expect(await client.templateUris()).toEqual(['data://item/{number}']);
  expect(await client.read('data://item/7')).toBe('item 7');
  expect(await client.prompt('greet', { name: 'Bob' })).toBe('Greet Bob');
  const abort = new AbortController();
  const held = client.call('hold', {}, abort.signal);
  await Bun.sleep(300);
  abort.abort();
  await expect(held).rejects.toThrow();
  await waitUntil('the cancellation', async () => (await client.call('count_cancellations')) === '1');
}

const clients = { legacy: connectLegacy, modern: connectModern };
const cases = ['sdk', 'fastmcp'].flatMap((kind) =>
  Object.entries(ways).flatMap(([way, start]) =>
    Object.entries(clients).map(([era, connect]) => [kind, way, era, start, connect] as const),
  ),
);

describe.skipIf(!hasPython)('a server in Python', () => {
  beforeAll(installPackages, 300_000);

  test.each(cases)('%s %s, era auto, a %s client: everything', async (kind, _way, _era, start, connect) => {
    await using stack = new AsyncDisposableStack();
    await seeAll(await reach(stack, await start(kind, stack), connect));
  });

  test.each(cases)(
    '%s %s, era legacy, a %s client: what tools ask while they run',
    async (kind, _way, _era, start, connect) => {
      await using stack = new AsyncDisposableStack();
      const server = { era: 'legacy', ...(await start(kind, stack)) };
      const client = await reach(stack, server, connect);
      expect(await client.call('ask')).toBe('Hello, Alice!');
      expect(await client.call('sample')).toBe('Sampled Paris');
      expect(client.questions).toEqual(['form What is your name?', 'sampling']);
    },
  );

  test.each(cases.filter(([, , era]) => era === 'legacy'))(
    '%s %s, era auto, a %s client: what tools ask while they run, because the server is called in its era',
    async (kind, _way, _era, start, connect) => {
      await using stack = new AsyncDisposableStack();
      const client = await reach(stack, await start(kind, stack), connect);
      expect(await client.call('ask')).toBe('Hello, Alice!');
      expect(await client.call('sample')).toBe('Sampled Paris');
    },
  );

  // docs/operations.md tells users to set `era: legacy`. If one of these fails, it need not any more.
  test.each(cases.filter(([, , era]) => era === 'modern'))(
    '%s %s, era auto, a %s client: tools cannot ask while they run, and the server says so',
    async (kind, _way, _era, start, connect) => {
      await using stack = new AsyncDisposableStack();
      const client = await reach(stack, await start(kind, stack), connect);
      const answer = await client.call('ask').catch(String);
      expect(answer).toMatch(/unavailable on 2026-07-28|no back-channel/);
      expect(await client.call('ask_either')).toBe('Hello, Alice!');
    },
  );

  test.each([
    ['sdk', 'legacy', 'modern', connectModern],
    ['sdk', 'modern', 'legacy', connectLegacy],
    ['fastmcp', 'modern', 'legacy', connectLegacy],
  ])('%s, era %s, a %s client: a tool asks in the way of that era', async (kind, era, _client, connect) => {
    await using stack = new AsyncDisposableStack();
    const server = { era, command: python, args: [script, kind, 'stdio'] };
    const client = await reach(stack, server, connect);
    expect(await client.call('ask_either')).toBe('Hello, Alice!');
    expect(client.questions).toEqual(['form What is your name?']);
  });

  test('is started by uvx, which installs what it needs', async () => {
    await using stack = new AsyncDisposableStack();
    const args = ['--from', 'fastmcp==4.2.3', 'python', script, 'fastmcp', 'stdio'];
    const client = await reach(stack, { command: uvx, args, env: uvEnvironment }, connectLegacy);
    expect(await client.call('add', { a: 20, b: 22 })).toBe('42');
  });
});

describe.skipIf(!hasPython)('a server of FastMCP 2', () => {
  beforeAll(installOldPackages, 300_000);

  test.each(
    Object.entries(oldWays).flatMap(([way, start]) =>
      Object.entries(clients).map(([era, connect]) => [way, era, start, connect] as const),
    ),
  )('%s, a %s client: everything, and what tools ask', async (_way, _era, start, connect) => {
    await using stack = new AsyncDisposableStack();
    const client = await reach(stack, await start(stack), connect);
    await seeAll(
      client,
      everyTool.filter((tool) => tool !== 'ask_either'),
    );
    expect(await client.call('ask')).toBe('Hello, Alice!');
    expect(await client.call('sample')).toBe('Sampled Paris');
    expect(client.questions).toEqual(['form What is your name?', 'sampling']);
  });
});
