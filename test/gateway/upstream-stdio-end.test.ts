import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { isAlive } from '../support/child-processes.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { messagesOf, type RpcMessage, rawPost } from '../support/rpc.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { freePort, waitUntil } from '../support/wait.ts';

const root = join(import.meta.dir, '../..');
const folder = mkdtempSync(join(tmpdir(), 'mcpstead-stdio-end-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(folder, `file-${files++}`);
const linesOf = (file: string) =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
const pidsIn = (file: string) => linesOf(file).map(Number);
const noneAlive = (...lists: string[]) => !lists.flatMap(pidsIn).some(isAlive);

async function call(url: string, name: string, args: object = {}): Promise<RpcMessage> {
  const params = { name, arguments: args };
  const response = await rawPost(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  for await (const message of messagesOf(response)) if (message.id === 1) return message;
  throw new Error('no answer');
}
const pidOf = async (gateway: TestGateway) => Number((await gateway.health()).servers[0]?.pid);

/** The gateway in a process of its own, once all of its servers are connected. */
async function startProgram(keys: object): Promise<Child> {
  const port = freePort();
  const config = newFile();
  writeFileSync(config, JSON.stringify({ port, state_dir: join(folder, 'state'), ...keys }));
  const child = await startChild([process.execPath, join(root, 'src/main.ts'), '-c', config], {
    ready: 'serving',
  });
  await waitUntil('connected', async () => {
    const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
    return (health as { status: string }).status === 'ok';
  });
  return child;
}

describe('the process of a server', () => {
  test('ends with the end of its stdin when its server is removed, within a moment', async () => {
    const startsFile = newFile();
    await using gateway = await startGateway({ servers: [rawStdio('raw', { startsFile })] });
    await gateway.connected();
    await gateway.reload({ servers: [] });
    await waitUntil('its end', () => noneAlive(startsFile), 2_000);
  });

  test.each(['removed', 'disabled'])(
    'has ended 5 s after its server was %s, with its descendants, though all ignore everything and a call runs',
    async (how) => {
      const [startsFile, descendantFile] = [newFile(), newFile()];
      const server = rawStdio('raw', { startsFile, descendantFile, isStubborn: true });
      await using gateway = await startGateway({ servers: [server] });
      await gateway.connected();
      const slow = call(gateway.url, 'raw__sleep', { ms: 60_000 });
      await Bun.sleep(200);
      expect(noneAlive(descendantFile)).toBe(false);
      await gateway.reload({ servers: how === 'removed' ? [] : [{ ...server, enabled: false }] });
      await waitUntil('its end', () => noneAlive(startsFile, descendantFile), 5_000);
      expect((await slow).error?.data.reason).toBe('upstream_disconnected');
    },
    20_000,
  );

  test('that a reload changes is started again', async () => {
    const startsFile = newFile();
    const server = rawStdio('raw', { startsFile });
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    const before = await pidOf(gateway);
    expect(await gateway.reload({ servers: [{ ...server, env: { A: 'b' } }] })).toMatchObject({
      restarted: 1,
    });
    await gateway.waitFor(
      'a new one',
      ({ servers }) => servers[0]?.connected === true && servers[0].pid !== before,
    );
    await waitUntil('the end of the old one', () => !isAlive(before));
    expect(linesOf(startsFile)).toHaveLength(2);
  });

  test('ends when the gateway stops, also one that ignores everything, all at the same time', async () => {
    const [startsFile, descendantFile] = [newFile(), newFile()];
    const stubborn = { startsFile, descendantFile, isStubborn: true };
    const servers = [0, 1, 2, 3].map((index) => rawStdio(`stubborn-${index}`, stubborn));
    const mcp = { session: { shutdown_grace_seconds: 1 } };
    const gateway = await startGateway({ mcp, servers: [...servers, rawStdio('tame', { startsFile })] });
    await gateway.connected();
    const startMs = performance.now();
    await gateway.gateway.stop();
    expect(performance.now() - startMs).toBeLessThan(4_000);
    expect(pidsIn(startsFile)).toHaveLength(5);
    expect(noneAlive(startsFile, descendantFile)).toBe(true);
  });

  test('takes its descendants along when it crashes', async () => {
    const [startsFile, descendantFile] = [newFile(), newFile()];
    const server = rawStdio('raw', { startsFile, descendantFile }, { reconnect: promptReconnect });
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    const [descendant = 0] = pidsIn(descendantFile);
    expect((await call(gateway.url, 'raw__crash')).error?.message).toContain('exited with code 7');
    await waitUntil('the end of its descendant', () => !isAlive(descendant));
  });
});

describe('a gateway that is killed', () => {
  test('leaves no process behind, however stubborn', async () => {
    const [startsFile, descendantFile] = [newFile(), newFile()];
    const servers = [
      rawStdio('stubborn', { startsFile, descendantFile, isStubborn: true }),
      rawStdio('tame', { startsFile }),
    ];
    const gateway = await startProgram({ servers });
    await gateway.end('SIGKILL');
    await waitUntil('all have ended', () => noneAlive(startsFile, descendantFile), 10_000);
  }, 30_000);
});

describe('a container', () => {
  /** A program that takes the place of `docker`: `run` starts the server, and `rm` is recorded. */
  function fakeDocker(): { command: string; log: string } {
    const log = newFile();
    const command = join(folder, `docker-${files}`, 'docker');
    mkdirSync(dirname(command));
    writeFileSync(
      command,
      `#!/bin/sh
echo "$@" >> ${log}
[ "$1" = run ] || exit 0
shift
while [ "$1" != image ]; do
  [ "$1" = --cidfile ] && printf 0123abcd > "$2" && echo "idfile $2" >> ${log}
  shift
done
shift
exec ${process.execPath} ${join(root, 'test/support/stdio/raw-server.ts')} '{}'
`,
    );
    chmodSync(command, 0o755);
    return { command, log };
  }

  test('is removed by its id when its server is removed', async () => {
    const { command, log } = fakeDocker();
    const server = { name: 'raw', command, args: ['run', '-i', '--rm', 'image'] };
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    await gateway.reload({ servers: [] });
    await waitUntil('its removal', () => linesOf(log).includes('rm -f 0123abcd'));
    const idFile =
      linesOf(log)
        .find((line) => line.startsWith('idfile'))
        ?.slice('idfile '.length) ?? '';
    await waitUntil('no file is left', () => idFile !== '' && !existsSync(idFile));
    expect(linesOf(log)[0]).toMatch(/^run --cidfile \S+ -i --rm image$/);
  });

  test('is removed by its id when the gateway is killed', async () => {
    const { command, log } = fakeDocker();
    const server = { name: 'raw', command, args: ['run', '-i', '--rm', 'image'] };
    const gateway = await startProgram({ servers: [server] });
    await gateway.end('SIGKILL');
    await waitUntil('its removal', () => linesOf(log).includes('rm -f 0123abcd'), 10_000);
  }, 30_000);
});

describe('a process that does not read its stdin', () => {
  test('fails its calls at their deadline, is checked, and replaced once no call runs', async () => {
    const startsFile = newFile();
    const server = rawStdio(
      'raw',
      { isDeaf: true, startsFile },
      { timeouts: { request_seconds: 0.5, connect_seconds: 10 }, reconnect: promptReconnect },
    );
    await using gateway = await startGateway({ servers: [server] });
    await waitUntil('a listing', () => linesOf(startsFile).length >= 1);
    const answers = await Promise.all([
      call(gateway.url, 'raw__echo', { text: 'x'.repeat(3_000_000) }),
      call(gateway.url, 'raw__echo', { text: 'b' }),
    ]);
    expect(answers.map(({ error }) => error?.data.reason)).toEqual(['upstream_timeout', 'upstream_timeout']);
    await waitUntil('a new process', () => linesOf(startsFile).length >= 2, 15_000);
    // One at a time.
    expect(isAlive(pidsIn(startsFile)[0] as number)).toBe(false);
  }, 30_000);
});
