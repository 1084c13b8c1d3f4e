import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { binaryFolder } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { bridgedClients } from '../support/bridged-clients.ts';
import { startCommand } from '../support/program.ts';
import { freePort, waitUntil } from '../support/wait.ts';

setDefaultTimeout(60_000);

const platform = targetNamed(platformName());
const program = join(binaryFolder(platform.name), platform.executable);

test('clients on stdio share a gateway that the program starts, which ends after the last of them', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mcpstead-binary-bridge-'));
  await using demo = startCommand([program, 'demo', '--port', '0']);
  await demo.printed('The demo serves');
  const [url] = /http:\/\/\S+\/mcp/.exec(demo.stdout()) ?? [];
  const folder = join(home, '.config/mcpstead');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'mcpstead.yaml'),
    `port: ${freePort()}\nservers: [{ name: up, url: '${url}' }]\n`,
  );
  const env = { HOME: home, XDG_STATE_HOME: join(home, 'state'), MCPSTEAD_STDIO_IDLE_SECONDS: '1' };
  const options = { env, command: [program] };

  const clients = await Promise.all(
    Object.values(bridgedClients).map((connect) => connect(['--server', 'up'], options)),
  );
  const echoed = await Promise.all(
    clients.map((client, index) =>
      waitUntil('an answer', () => client.call('demo__echo', { text: `call ${index}` })),
    ),
  );
  expect(echoed).toEqual(['call 0', 'call 1', 'call 2', 'call 3']);

  const gateways = join(home, 'state/mcpstead/gateways');
  const [file = '', ...others] = readdirSync(gateways);
  expect(others).toEqual([]);
  const { pid } = JSON.parse(readFileSync(join(gateways, file), 'utf8')) as { pid: number };
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  const isAlive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await waitUntil('the end of the gateway', () => !isAlive(), 15_000);
  rmSync(home, { recursive: true, force: true });
});
