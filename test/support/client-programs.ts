import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { connectLegacy, connectLegacyOver, connectModern, type EraClient } from './era-clients.ts';

const modules = join(import.meta.dir, '../../node_modules');
const inspector = join(modules, '@modelcontextprotocol/inspector/clients/cli/build/index.js');
const mcporter = join(modules, 'mcporter/dist/cli.js');
const mcpRemote = join(modules, 'mcp-remote/dist/proxy.js');

/** A client that people run, with those steps of {@link EraClient} that it can take. */
export type ProgramClient = Pick<EraClient, 'toolNames' | 'call' | 'resourceUris' | 'read'> &
  Partial<Pick<EraClient, 'watch' | 'prompt' | 'questions'>> &
  AsyncDisposable;

interface ToolResult {
  readonly content: readonly { readonly text: string }[];
}

/** What the inspector and mcporter print, each of these for its own command. */
interface Printed {
  readonly tools: readonly { readonly name: string }[];
  readonly resources: readonly { readonly uri: string }[];
  readonly contents: readonly { readonly text: string }[];
}

/** A home directory of its own for a program, so that it reads and writes nothing of the user's. */
function temporaryHome(program: string): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), `mcpstead-${program}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs a program of the modules on the pinned Bun, because some require a newer Node than many machines have. */
async function run(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = Bun.spawn([process.execPath, '--bun', program, ...args], {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 30_000,
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

/** The inspector's command line: every step is a process of its own, and in the legacy era a session of its own. */
export function inspectorClient(url: string, era: 'legacy' | 'auto' | 'modern' = 'legacy'): ProgramClient {
  const { folder, remove } = temporaryHome('inspector');
  const env = { MCP_STORAGE_DIR: folder, MCP_CATALOG_PATH: join(folder, 'mcp.json') };
  const flags = ['--transport', 'http', '--protocol-era', era];
  const inspect = async (method: string, ...args: string[]) =>
    JSON.parse(await run(inspector, [url, ...flags, '--method', method, ...args], env));
  return {
    toolNames: async () => ((await inspect('tools/list')) as Printed).tools.map(({ name }) => name),
    async call(name, args = {}) {
      const json = JSON.stringify(args);
      const result = await inspect('tools/call', '--tool-name', name, '--tool-args-json', json);
      return (result as ToolResult).content[0]?.text ?? '';
    },
    resourceUris: async () => ((await inspect('resources/list')) as Printed).resources.map(({ uri }) => uri),
    async read(uri) {
      const { contents } = (await inspect('resources/read', '--uri', uri)) as {
        contents: { text: string }[];
      };
      return contents[0]?.text ?? '';
    },
    async prompt(name, args = {}) {
      const pairs = Object.entries(args).flatMap(([key, value]) => ['--prompt-args', `${key}=${value}`]);
      const { messages } = (await inspect('prompts/get', '--prompt-name', name, ...pairs)) as {
        messages: { content: { text: string } }[];
      };
      return messages[0]?.content.text ?? '';
    },
    [Symbol.asyncDispose]: async () => remove(),
  };
}

/** mcporter's command line, which has no prompts: every step is a process and a session of its own. */
function mcporterClient(url: string): ProgramClient {
  const { folder, remove } = temporaryHome('mcporter');
  const config = join(folder, 'mcporter.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { gateway: { baseUrl: url } }, imports: [] }));
  const port = (command: string, ...args: string[]) =>
    run(mcporter, ['--config', config, command, ...args], { HOME: folder });
  const listed = async (command: string, ...args: string[]) =>
    JSON.parse(await port(command, ...args)) as Printed;
  return {
    toolNames: async () => (await listed('list', 'gateway', '--json')).tools.map(({ name }) => name),
    async call(name, args = {}) {
      const json = JSON.stringify(args);
      const text = await port('call', `gateway.${name}`, '--args', json, '--output', 'text');
      return text.trimEnd();
    },
    async resourceUris() {
      return (await listed('resource', 'gateway', '--json')).resources.map(({ uri }) => uri);
    },
    async read(uri) {
      return (await listed('resource', 'gateway', uri, '--json')).contents[0]?.text ?? '';
    },
    [Symbol.asyncDispose]: async () => remove(),
  };
}

/** A v1 SDK client on stdio with mcp-remote between it and the gateway; `auto` asks with `server/discover` first. */
async function mcpRemoteClient(url: string, protocol: 'legacy' | 'auto' = 'legacy'): Promise<ProgramClient> {
  const { folder, remove } = temporaryHome('mcp-remote');
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--bun', mcpRemote, url, '--transport', 'http-only', '--protocol', protocol, '--silent'],
    env: { HOME: folder, MCP_REMOTE_CONFIG_DIR: folder },
  });
  const client = await connectLegacyOver(transport).catch((error) => {
    remove();
    throw error;
  });
  return {
    ...client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      remove();
    },
  };
}

type Connect = (url: string) => ProgramClient | Promise<ProgramClient>;

/** Clients made with the SDKs, by name. */
export const sdkClients: Record<string, Connect> = {
  'the v1 SDK client': connectLegacy,
  'the v2 SDK client': (url) => connectModern(url, 'legacy'),
  'the v2 SDK client that asks for the newest protocol': (url) => connectModern(url, 'auto'),
  'the v2 SDK client that wants revision 2026-07-28': (url) => connectModern(url),
};

/** mcp-remote in both of its modes, by name. */
export const remoteClients: Record<string, Connect> = {
  'mcp-remote': (url) => mcpRemoteClient(url),
  'mcp-remote that asks for the newest protocol': (url) => mcpRemoteClient(url, 'auto'),
};

/** Command lines, by name. */
export const commandLines: Record<string, Connect> = {
  'the inspector': (url) => inspectorClient(url),
  'the inspector that asks for the newest protocol': (url) => inspectorClient(url, 'auto'),
  'the inspector that wants revision 2026-07-28': (url) => inspectorClient(url, 'modern'),
  mcporter: mcporterClient,
};
