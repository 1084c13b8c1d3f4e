import { afterAll, describe, expect, test } from 'bun:test';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { volatileState } from '../../src/state/state.ts';
import { isAlive } from '../support/child-processes.ts';
import { connectV1 } from '../support/clients.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { messagesOf, type RpcMessage, rawPost } from '../support/rpc.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { leastMs, waitUntil } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpstead-stdio-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(folder, `file-${files++}`);
const linesOf = (file: string) =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];

/** Calls a tool without a session; resolves to the answer. */
async function call(gateway: TestGateway, name: string, args: object = {}): Promise<RpcMessage> {
  const params = { name, arguments: args };
  const response = await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  for await (const message of messagesOf(response)) if (message.id === 1) return message;
  throw new Error('no answer');
}
const textOf = ({ result }: RpcMessage) => result?.content[0].text;
const serverOf = async (gateway: TestGateway, name = 'raw') =>
  (await gateway.health()).servers.find((server) => server.name === name) as Record<string, unknown>;

describe('a server on stdio', () => {
  test('is started, listed and called', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw')] });
    await gateway.connected();
    expect(textOf(await call(gateway, 'raw__echo', { text: 'hello\nwörld 😀' }))).toBe('hello\nwörld 😀');
    expect(textOf(await call(gateway, 'raw__args'))).toBe('["extra"]');
    const server = await serverOf(gateway);
    expect(server).toMatchObject({ protocol: 'stdio', state: 'ready', restarts: 0, last_exit: null });
    expect(isAlive(Number(server.pid))).toBe(true);
    expect(server.url).toBe(process.execPath.replace(/^.*[/\\]/, ''));
    expect(
      (await gateway.metrics()).value('mcpstead_upstream_process_restarts_total', { server: 'raw' }),
    ).toBe(0);
  });

  test('gets a request whose JSON stands on several lines on one line', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw')] });
    await gateway.connected();
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"raw__echo","arguments":{\r\n"text":\n"a"}}}`;
    const [answer] = await Array.fromAsync(messagesOf(await rawPost(gateway.url, body)));
    expect(textOf(answer as RpcMessage)).toBe('a');
  });

  test('runs in its directory, with a few variables of the gateway and its own', async () => {
    process.env.MCPSTEAD_TEST_SECRET = 'not-for-children';
    const env = { OWN: 'own value' };
    await using gateway = await startGateway({ servers: [rawStdio('raw', {}, { env, cwd: folder })] });
    await gateway.connected();
    const seen = JSON.parse(textOf(await call(gateway, 'raw__env')));
    expect(seen).toMatchObject({ OWN: 'own value', PYTHONUTF8: '1', PATH: process.env.PATH, cwd: folder });
    expect(Object.keys(seen)).not.toContain('MCPSTEAD_TEST_SECRET');
    delete process.env.MCPSTEAD_TEST_SECRET;
  });

  test('may write a banner, notifications, noise, characters in pieces and bytes that are not UTF-8', async () => {
    const early = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"a"}}';
    await using gateway = await startGateway({
      servers: [rawStdio('raw', { banner: `Welcome!\n{"level":"info"}\n\n${early}\n` })],
    });
    await gateway.connected();
    expect(textOf(await call(gateway, 'raw__split'))).toBe('größer € 😀');
    expect(textOf(await call(gateway, 'raw__latin1'))).toBe('gr\ufffdn');
    expect(textOf(await call(gateway, 'raw__latin1'))).toBe('gr\ufffdn');
    expect(textOf(await call(gateway, 'raw__noise'))).toBe('after noise');
    const logged = (words: string) => gateway.logs.filter((line) => line.includes(words)).length;
    expect([logged('no messages; they are skipped'), logged('not UTF-8')]).toEqual([1, 1]);
  });

  test('may write a line beyond all bounds, which fails its call alone', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw')] });
    await gateway.connected();
    const { pid } = await serverOf(gateway);
    const slow = call(gateway, 'raw__sleep', { ms: 300 });
    const big = await call(gateway, 'raw__big', { chars: 65 * 1024 * 1024 });
    expect(big.error?.message).toContain('a line of 66 MiB, which is too long');
    expect(big.error?.data.reason).toBe('upstream_protocol_error');
    expect(textOf(await slow)).toBe('slept');
    expect(textOf(await call(gateway, 'raw__echo', { text: 'a' }))).toBe('a');
    expect((await serverOf(gateway)).pid).toBe(pid);
  });

  test('that answers a call with null fails that call at once', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw')] });
    await gateway.connected();
    const { error } = await call(gateway, 'raw__null');
    expect(error).toMatchObject({ data: { reason: 'upstream_protocol_error' } });
    expect(error?.message).toContain('"result" must be an object');
  });

  test.each(['shared', 'session'])(
    'that asks for roots at once is refused at once: %s',
    async (isolation) => {
      const servers = [rawStdio('raw', { asksRoots: true }, { isolation })];
      const refused = async () => {
        await using gateway = await startGateway({ servers });
        await gateway.connected();
        await using client = await connectV1(gateway.url);
        const { ms, error, result } = JSON.parse((await client.call('raw__roots', {})).text);
        expect([typeof error.code, result]).toEqual(['number', undefined]);
        return { ms };
      };
      expect(await leastMs(refused, 100)).toBeLessThan(100);
    },
  );

  test('keeps its arguments to itself at every level of the log', async () => {
    const { command, args, ...server } = rawStdio('raw');
    const servers = [{ ...server, command, args: [...args, '--api-key', 'hunter2-hunter2'] }];
    await using gateway = await startGateway({ servers, logging: { level: 'trace' } });
    await gateway.connected();
    expect(textOf(await call(gateway, 'raw__echo', { text: 'a' }))).toBe('a');
    expect(gateway.logs.some((line) => line.includes('process started'))).toBe(true);
    expect(gateway.logs.join('') + JSON.stringify(await gateway.health())).not.toContain('hunter2');
  });

  test('without a home to write to keeps the caches of package runners in the state directory', async () => {
    const env = { HOME: join(folder, 'no-home') };
    const state = { ...volatileState(), directory: join(folder, 'state') };
    await using gateway = await startGateway({ servers: [rawStdio('raw', {}, { env })] }, {}, state);
    await gateway.connected();
    expect(JSON.parse(textOf(await call(gateway, 'raw__env')))).toMatchObject({
      npm_config_cache: join(folder, 'state/caches/npm'),
      UV_CACHE_DIR: join(folder, 'state/caches/uv'),
    });
  });

  test('that pretty-prints its messages is named once in the log', async () => {
    await using gateway = await startGateway({
      servers: [rawStdio('raw', {}, { timeouts: { request_seconds: 0.2 } })],
    });
    await gateway.connected();
    expect((await call(gateway, 'raw__pretty')).error?.data.reason).toBe('upstream_timeout');
    expect((await call(gateway, 'raw__pretty')).error?.data.reason).toBe('upstream_timeout');
    expect(gateway.logs.filter((line) => line.includes('messages of several lines'))).toHaveLength(1);
    expect((await serverOf(gateway)).restarts).toBe(0);
  });

  test('may flood stderr, whose lines are logged in bounds', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw', { floodBytes: 20_000_000 })] });
    await gateway.connected();
    expect(textOf(await call(gateway, 'raw__echo', { text: 'a' }))).toBe('a');
    expect(gateway.logs.filter((line) => line.includes('stderr of the server')).length).toBeLessThan(1_000);
  });

  test('that times out is told so, and goes on', async () => {
    await using gateway = await startGateway({
      servers: [rawStdio('raw', {}, { timeouts: { request_seconds: 0.3 } })],
    });
    await gateway.connected();
    const { pid } = await serverOf(gateway);
    expect((await call(gateway, 'raw__sleep', { ms: 600 })).error?.data).toMatchObject({
      reason: 'upstream_timeout',
    });
    await waitUntil('cancelled', () => gateway.logs.some((line) => line.includes('cancelled {')));
    await Bun.sleep(400);
    expect(textOf(await call(gateway, 'raw__echo', { text: 'a' }))).toBe('a');
    expect((await serverOf(gateway)).pid).toBe(pid);
  });
});

describe('a server that ends', () => {
  test('fails its calls with the exit code and its last words, without secrets, and is started again', async () => {
    const server = rawStdio('raw', {}, { env: { TOKEN: `\${TOKEN}` }, reconnect: promptReconnect });
    await using gateway = await startGateway({ servers: [server] }, { TOKEN: 'hunter2-hunter2' });
    await gateway.connected();
    const { pid } = await serverOf(gateway);
    const slow = call(gateway, 'raw__sleep', { ms: 60_000 });
    const crash = await call(gateway, 'raw__crash', { text: 'hunter2-hunter2' });
    expect(crash.error).toMatchObject({
      code: -32000,
      data: { server: 'raw', reason: 'upstream_disconnected' },
    });
    expect(crash.error.message).toContain('exited with code 7: "Error: crashed as asked [redacted]"');
    expect((await slow).error?.data.reason).toBe('upstream_disconnected');
    await gateway.waitFor(
      'restart',
      ({ servers }) => servers[0]?.connected === true && servers[0].pid !== pid,
    );
    expect(await serverOf(gateway)).toMatchObject({ restarts: 1, last_exit: 7 });
    expect(textOf(await call(gateway, 'raw__echo', { text: 'again' }))).toBe('again');
    expect(
      (await gateway.metrics()).value('mcpstead_upstream_process_restarts_total', { server: 'raw' }),
    ).toBe(1);
    expect(gateway.logs.join('')).not.toContain('hunter2');
  });

  test('right after its answer has answered, though the answer is long and its line has no end', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw')] });
    await gateway.connected();
    const { result } = await call(gateway, 'raw__farewell', { entries: 300_000 });
    expect(result?.content).toEqual([{ type: 'text', text: 'bye' }]);
    expect(result?.structuredContent.entries).toHaveLength(300_000);
  });

  test('by a signal is shown with the signal', async () => {
    await using gateway = await startGateway({
      servers: [rawStdio('raw', {}, { reconnect: promptReconnect })],
    });
    await gateway.connected();
    const slow = call(gateway, 'raw__sleep', { ms: 60_000 });
    await Bun.sleep(100);
    process.kill(Number((await serverOf(gateway)).pid), 'SIGKILL');
    expect((await slow).error?.message).toContain('was ended by SIGKILL');
    await gateway.waitFor(
      'restart',
      ({ servers }) => servers[0]?.connected === true && servers[0].restarts === 1,
    );
    expect(await serverOf(gateway)).toMatchObject({ last_exit: 'SIGKILL' });
  });

  test('before it initializes fails the calls that wait at once', async () => {
    const server = rawStdio('raw', { exitCode: 3, complaint: 'Error: API key missing' });
    await using gateway = await startGateway({ servers: [server] });
    const answer = await call(gateway, 'raw__echo');
    expect(answer.error?.message).toContain('exited with code 3: "Error: API key missing"');
    const { last_error, state, last_exit } = await serverOf(gateway);
    expect([last_error, last_exit]).toEqual(['exited with code 3: "Error: API key missing"', 3]);
    expect(state).toBe('backoff');
  });

  test('is not started again and again: one attempt at a time, after growing waits', async () => {
    const startsFile = newFile();
    const server = rawStdio(
      'raw',
      { exitCode: 3, startsFile },
      { era: 'legacy', reconnect: { backoff_base_ms: 200 } },
    );
    await using gateway = await startGateway({ servers: [server] });
    await waitUntil('a second start', () => linesOf(startsFile).length >= 2);
    await Bun.sleep(1_000);
    expect(linesOf(startsFile).length).toBeLessThan(6);
    expect(await serverOf(gateway)).toMatchObject({ connected: false });
  });
});

describe('a command that cannot be started', () => {
  test.each([
    [
      'that is missing',
      { command: 'no-such-command' },
      'the command "no-such-command" was not found in PATH',
    ],
    ['without execute permission', { command: join(folder, 'plain') }, 'plain is not executable (EACCES)'],
    ['in a missing directory', { command: 'sh', cwd: join(folder, 'none') }, 'none does not exist'],
  ])('%s is named, and tried again late', async (_, keys, words) => {
    writeFileSync(join(folder, 'plain'), 'text', { mode: 0o644 });
    await using gateway = await startGateway({ servers: [{ name: 'raw', ...keys }] });
    const answer = await call(gateway, 'raw__echo');
    expect(answer.error?.message).toContain(words);
    const { next_retry_seconds, last_error } = await serverOf(gateway);
    expect(last_error).toContain(words);
    expect(String(last_error).includes(`PATH (ENOENT): ${process.env.PATH}`)).toBe(words.includes('PATH'));
    expect(Number(next_retry_seconds)).toBeGreaterThan(20);
  });

  test.if(process.platform === 'linux')('for a moment is a failed attempt like others', async () => {
    const busy = join(folder, 'busy');
    copyFileSync('/bin/sh', busy);
    const { command, args } = rawStdio('raw');
    const line = `exec ${[command, ...args].map((word) => `'${word}'`).join(' ')}`;
    // ETXTBSY: a file that somebody writes to is not run.
    const writer = openSync(busy, 'r+');
    const server = { name: 'raw', command: busy, args: ['-c', line], reconnect: promptReconnect };
    await using gateway = await startGateway({ servers: [server] });
    const { servers } = await gateway.waitFor(
      'a failure',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toContain('cannot be started');
    expect(Number(servers[0]?.next_retry_seconds)).toBeLessThan(1);
    closeSync(writer);
    await gateway.connected();
  });

  test('is no secret, but its arguments are', async () => {
    const servers = [{ name: 'raw', command: 'no-such-command', args: ['--api-key', 'hunter2-hunter2'] }];
    await using gateway = await startGateway({ servers, logging: { level: 'trace' } });
    await call(gateway, 'raw__echo');
    expect(gateway.logs.join('') + JSON.stringify(await gateway.health())).not.toContain('hunter2');
  });
});

describe('a server that takes long to start', () => {
  test('goes on starting when its callers wait no longer', async () => {
    const startsFile = newFile();
    const server = rawStdio(
      'raw',
      { initializeMs: 1_500, startsFile },
      { timeouts: { connect_seconds: 0.3 } },
    );
    await using gateway = await startGateway({ servers: [server] });
    const answer = await call(gateway, 'raw__echo');
    expect(answer.error?.message).toContain('an attempt is under way');
    expect(await serverOf(gateway)).toMatchObject({ state: 'starting', connected: false });
    await gateway.connected();
    expect([linesOf(startsFile).length, textOf(await call(gateway, 'raw__echo', { text: 'a' }))]).toEqual([
      1,
      'a',
    ]);
  });

  test('has the calls wait that are made meanwhile, until it is initialized', async () => {
    await using gateway = await startGateway({ servers: [rawStdio('raw', { initializeMs: 300 })] });
    const calls = ['a', 'b', 'c'].map((text) => call(gateway, 'raw__echo', { text }));
    expect((await Promise.all(calls)).map(textOf)).toEqual(['a', 'b', 'c']);
    expect(await serverOf(gateway)).toMatchObject({ restarts: 0, last_exit: null });
  });

  test('is started one at a time by two servers of one command, until it has succeeded', async () => {
    const startsFile = newFile();
    const behavior = { initializeMs: 500, startsFile };
    await using gateway = await startGateway({ servers: [rawStdio('a', behavior), rawStdio('b', behavior)] });
    await waitUntil('one start', () => linesOf(startsFile).length === 1);
    await Bun.sleep(200);
    expect(linesOf(startsFile)).toHaveLength(1);
    await gateway.connected();
    expect(linesOf(startsFile)).toHaveLength(2);
  });
});

describe('with isolation', () => {
  test('at most four processes of a command start at the same time', async () => {
    const startsFile = newFile();
    const server = rawStdio('raw', { startsFile, initializeMs: 500 }, { isolation: 'session' });
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    const clients = await Promise.all(Array.from({ length: 6 }, () => connectV1(gateway.url)));
    const calls = clients.map((client) => client.call('raw__echo', { text: 'a' }));
    await waitUntil('four starts', () => linesOf(startsFile).length === 5);
    await Bun.sleep(200);
    expect(linesOf(startsFile)).toHaveLength(5);
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(Array(6).fill('a'));
    expect(linesOf(startsFile)).toHaveLength(7);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  test('each client session has a process of its own, which ends with it', async () => {
    const startsFile = newFile();
    const server = rawStdio('raw', { startsFile }, { isolation: 'session', isolation_max: 2 });
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    const clients = [await connectV1(gateway.url), await connectV1(gateway.url)];
    for (const [index, client] of clients.entries())
      expect((await client.call('raw__echo', { text: `client ${index}` })).text).toBe(`client ${index}`);
    expect(linesOf(startsFile)).toHaveLength(3);
    const [shared, ...own] = linesOf(startsFile).map(Number);
    expect(await serverOf(gateway)).toMatchObject({ pid: shared, restarts: 0, client_sessions: 2 });
    await using third = await connectV1(gateway.url);
    await expect(third.call('raw__echo', { text: 'c' })).rejects.toThrow('isolation_max');
    for (const client of clients) await client[Symbol.asyncDispose]();
    await waitUntil('their ends', () => !own.some(isAlive));
    expect(isAlive(shared as number)).toBe(true);
  });
});
