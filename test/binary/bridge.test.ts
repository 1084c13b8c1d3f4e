import { afterEach, expect, setDefaultTimeout, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { binaryFolder } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { startAskingV1 } from '../support/asking-v1.ts';
import { bridgedClients } from '../support/bridged-clients.ts';
import { endProcess, isAlive } from '../support/child-processes.ts';
import { startCommand } from '../support/program.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { freePort, waitUntil } from '../support/wait.ts';

setDefaultTimeout(60_000);

const platform = targetNamed(platformName());
const program = join(binaryFolder(platform.name), platform.executable);

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) {
    for (const pid of processesIn(home)) endProcess(pid);
    rmSync(home, { recursive: true, force: true });
  }
});

/** A user with a configuration that has these servers. */
function newHome(servers: readonly object[]) {
  const home = mkdtempSync(join(tmpdir(), 'mcpstead-binary-bridge-'));
  homes.push(home);
  const folder = join(home, '.config/mcpstead');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'mcpstead.yaml'), JSON.stringify({ port: freePort(), servers }));
  const env = {
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    SHELL: '/bin/sh',
    MCPSTEAD_STDIO_IDLE_SECONDS: '1',
  };
  return { home, env, options: { env, command: [program] } };
}

/** The pids of the gateways that have announced themselves. */
function gatewaysIn(home: string): number[] {
  const folder = join(home, 'state/mcpstead/gateways');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).pid);
}

/** The pids of all programs whose home is this one, of gateways and bridges alike; none where there is no `/proc`. */
function processesIn(home: string): number[] {
  if (!existsSync('/proc/self/environ')) return [];
  const lives = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${home}`);
    } catch {
      // It has ended, or is another user's.
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && lives(name))
    .map(Number);
}

test('clients on stdio share a gateway that the program starts, which ends after the last of them', async () => {
  await using server = await startSdkV1();
  const { home, options } = newHome([{ name: 'up', url: server.url }]);
  const clients = await Promise.all(
    Object.values(bridgedClients).map((connect) => connect(['--server', 'up'], options)),
  );
  const echoed = await Promise.all(
    clients.map((client, index) =>
      waitUntil('an answer', () => client.call('echo', { message: `call ${index}` })),
    ),
  );
  expect(echoed).toEqual(['call 0', 'call 1', 'call 2', 'call 3']);

  const [pid = 0, ...others] = gatewaysIn(home);
  expect(others).toEqual([]);
  expect(isAlive(pid)).toBe(true);
  // The bridges and the gateway: a gateway that lost the race for the port has ended.
  if (process.platform === 'linux')
    await waitUntil('one gateway only', () => processesIn(home).length === clients.length + 1, 20_000);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await waitUntil('the end of the gateway', () => !isAlive(pid), 15_000);
  expect(processesIn(home)).toEqual([]);
});

test.each(Object.entries(bridgedClients))(
  '%s calls, is asked, sees changes, and goes on when its gateway is killed',
  async (_name, connect) => {
    await using server = await startSdkV1();
    await using asking = await startAskingV1();
    const { home, env, options } = newHome([
      { name: 'up', url: server.url },
      { name: 'asking', url: asking.url },
    ]);
    await using client = await connect([], options);
    const echoed = (message: string) =>
      waitUntil(message, () => client.call('up__echo', { message }), 20_000);
    expect(await echoed('one')).toBe('one');
    expect(await waitUntil('the form', () => client.call('asking__form'), 20_000)).toBe('Alice');
    expect(client.questions).toEqual(['form Who are you?']);

    // Clients that cannot listen hear of changes unasked.
    await client.listen('test://watched').catch(() => {});
    const seen = client.changes.filter((change) => change === 'tools').length;
    await using disabled = startCommand([program, 'disable', 'asking'], {
      env: { ...env, XDG_CONFIG_HOME: undefined },
    });
    expect(await disabled.ended()).toMatchObject({ exitCode: 0, stderr: '' });
    await waitUntil(
      'the change of the list',
      () => client.changes.filter((change) => change === 'tools').length > seen,
    );
    expect((await client.toolNames()).filter((name) => name.startsWith('asking__'))).toEqual([]);

    const [first = 0] = gatewaysIn(home);
    const held = client.call('up__hold');
    held.catch(() => {});
    await waitUntil('the execution', () => server.executions('hold') === 1);
    endProcess(first);
    await expect(held).rejects.toThrow('the connection to the mcpstead gateway broke');
    expect(await echoed('two')).toBe('two');
    const [second = 0, ...others] = gatewaysIn(home);
    expect({ others, isAnother: second !== first }).toEqual({ others: [], isAnother: true });

    await client[Symbol.asyncDispose]();
    await waitUntil('the end of the gateway', () => !isAlive(second), 15_000);
    expect(processesIn(home)).toEqual([]);
  },
);
