// Measures the way from eight servers in the files of three clients to a client that calls a tool through the gateway.
// Usage: npm run bench:first-run, which builds the program first. The servers come from npm.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { parse } from 'yaml';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { binaryFolder } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { freePort } from '../processes.ts';
import { makeHome } from './home.ts';

/** An `npx` that downloads its package first takes long. */
const callTimeoutMs = 120_000;
const startTimeoutMs = 10_000;

const platform = targetNamed(platformName());
const program = join(binaryFolder(platform.name), platform.executable);
const home = makeHome();
const port = await freePort();
const configPath = join(home.path, '.config/mcpstead/mcpstead.yaml');
const { XDG_CONFIG_HOME: _config, XDG_STATE_HOME: _state, MCPSTEAD_CONFIG: _file, ...others } = process.env;
const env = { ...others, HOME: home.path } as Record<string, string>;
const steps: { what: string; ms: number }[] = [];
const beganMs = performance.now();

/** Runs a step, and remembers how long it took. */
async function timed<T>(what: string, step: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await step();
  steps.push({ what, ms: performance.now() - startMs });
  return result;
}

async function mcpstead(...args: string[]): Promise<void> {
  const child = Bun.spawn([program, ...args], { env, cwd: home.path, stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0)
    throw new Error(`mcpstead ${args.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
}

async function callTool(transport: Transport, name: string, args: Record<string, unknown>): Promise<string> {
  const client = new Client({ name: 'first-run', version: '1.0.0' });
  await client.connect(transport, { timeout: callTimeoutMs });
  const result = await client.callTool({ name, arguments: args }, undefined, { timeout: callTimeoutMs });
  await client.close();
  const [content] = result.content as { text?: string }[];
  return content?.text ?? '';
}

/** The entry of a server in the file of a client. */
function entryOf(path: string, key: string, name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8'))[key][name];
}

await timed('import: eight servers of three clients', () => mcpstead('import', '--yes'));
// The port of the default configuration may be taken on this machine.
await Bun.write(configPath, `port: ${port}\n${await Bun.file(configPath).text()}`);
const { servers } = parse(await Bun.file(configPath).text()) as { servers: { name: string }[] };
await timed('connect: the gateway in place of the servers', () =>
  mcpstead('connect', '--all', '--replace', '--yes'),
);
// As the service would.
const gateway = Bun.spawn([program, 'serve', '--watch', '--config', configPath], {
  env,
  cwd: home.path,
  stdout: 'ignore',
  stderr: 'ignore',
});
try {
  await timed('start of the gateway', async () => {
    const endMs = performance.now() + startTimeoutMs;
    while (performance.now() < endMs) {
      const response = await fetch(`http://127.0.0.1:${port}/livez`).catch(() => null);
      if (response?.ok) return;
      await Bun.sleep(10);
    }
    throw new Error('the gateway does not answer');
  });
  const hello = join(home.notes, 'hello.txt');
  await timed('first call of Claude Desktop, over stdio', async () => {
    const { command, args } = entryOf(home.claudeDesktop, 'mcpServers', 'notes') as {
      command: string;
      args: string[];
    };
    const transport = new StdioClientTransport({ command, args, env });
    const text = await callTool(transport, 'read_text_file', { path: hello });
    if (text !== 'Hello from a file\n') throw new Error(`the tool answered ${JSON.stringify(text)}`);
  });
  await timed('first call of Cursor, over HTTP', async () => {
    const { url } = entryOf(home.cursor, 'mcpServers', 'everything') as { url: string };
    const text = await callTool(new StreamableHTTPClientTransport(new URL(url)), 'echo', { message: 'hi' });
    if (text !== 'Echo: hi') throw new Error(`the tool answered ${JSON.stringify(text)}`);
  });
} finally {
  gateway.kill();
  await gateway.exited;
  rmSync(home.path, { recursive: true, force: true });
}
steps.push({ what: `in all, with ${servers.length} servers`, ms: performance.now() - beganMs });
for (const { what, ms } of steps) console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${what}`);
