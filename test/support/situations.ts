import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type GatewayFile, readGatewayFiles } from '../../src/state/gateway-file.ts';
import { type Program, startCommand } from './program.ts';
import { freePort, waitUntil } from './wait.ts';

/** What a command may find where it runs. */
export const situations = [
  'a running gateway',
  'a stopped gateway',
  'a stale state file',
  'a foreign process on the port',
  'no HOME',
  'no HOME and a named configuration',
  'a read-only HOME',
] as const;
export type SituationName = (typeof situations)[number];

/** The command line of a program without the right of root to write where the modes forbid it. */
const unprivileged =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']
    : [];
/** Whether {@link situations} can be made here. */
export const hasSituations =
  process.platform === 'linux' && (unprivileged.length === 0 || Bun.which('setpriv') !== null);

/** A user's home with a configuration and a client, Cursor, in one of the situations. */
export interface Situation extends AsyncDisposable {
  readonly home: string;
  readonly config: string;
  readonly port: number;
  /** Starts the program with these arguments. Its stdin has `input`, and remains open. */
  start(args: readonly string[], input?: string): Program;
  /** The gateways that have announced themselves in the home. */
  gateways(): readonly GatewayFile[];
  /** All files below the home but those of the state directory, with modes and texts. */
  files(): Record<string, string>;
}

interface SituationOptions {
  /** The words that start the program. */
  readonly program: readonly string[];
  /** The `/mcp` endpoint of a server. */
  readonly upstream: string;
  /** A command that has run before, in the best of circumstances. */
  readonly before?: readonly string[];
}

export const cursorText = `{
  // The servers of my editor
  "mcpServers": {
    "notes": { "command": "notes-server", "env": { "NOTES_API_KEY": "hunter2hunter2" } }
  }
}
`;

const configText = (port: number, upstream: string) => `# Mine
port: ${port}
servers:
  - name: up
    url: ${upstream}
  - name: off # for now
    url: ${upstream}
    enabled: false
`;

/** Makes a home in a situation. Disposing of it ends all that was started in it. */
export async function makeSituation(name: SituationName, options: SituationOptions): Promise<Situation> {
  const { program, upstream, before } = options;
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-situation-')));
  const temporary = mkdtempSync(join(tmpdir(), 'mcpstead-temporary-'));
  const port = freePort();
  const config = write(home, '.config/mcpstead/mcpstead.yaml', configText(port, upstream));
  write(home, '.cursor/mcp.json', cursorText);
  // As in a container: no manager of services that one could talk to.
  for (const manager of ['systemctl', 'loginctl'])
    chmodSync(
      write(home, `bin/${manager}`, '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n'),
      0o755,
    );

  const state = join(home, '.local/state/mcpstead');
  const env = {
    ...homeless,
    HOME: home,
    // Otherwise a checkout in the system's own folder would pass for a program that is gone tomorrow.
    TMPDIR: temporary,
    PATH: `${home}/bin:/usr/bin:/bin`,
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    MCPSTEAD_STDIO_IDLE_SECONDS: '1',
  };
  const started: Program[] = [];
  const start = (
    args: readonly string[],
    more: Record<string, string | undefined> = {},
    first: string[] = [],
  ) => {
    const one = startCommand([...first, ...program, ...args], { cwd: home, env: { ...env, ...more } });
    started.push(one);
    return one;
  };
  const gateways = () => readGatewayFiles(state);
  const serve = async () => {
    const gateway = start(['serve']);
    await gateway.printed('serving http://');
    await waitUntil(
      'its server',
      async () => {
        const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
        const { servers } = health as { servers: { connected: boolean }[] };
        return servers.some(({ connected }) => connected) && gateways().length === 1;
      },
      30_000,
    );
    return gateway;
  };
  const foreign: { stop(): unknown }[] = [];
  if (before !== undefined) {
    const { exitCode, stderr } = await start(before).ended();
    if (exitCode !== 0) throw new Error(`${before.join(' ')}: ${stderr}`);
  }
  let more: Record<string, string | undefined> = {};
  let first: string[] = [];
  switch (name) {
    case 'a running gateway':
      await serve();
      break;
    case 'a stopped gateway': {
      const gateway = await serve();
      gateway.signal('SIGTERM');
      await gateway.ended();
      break;
    }
    case 'a stale state file':
    case 'a foreign process on the port': {
      const gateway = await serve();
      gateway.signal('SIGKILL');
      await gateway.ended();
      if (gateways().length !== 1) throw new Error('the killed gateway has left no file');
      if (name !== 'a stale state file') foreign.push(foreignServer(port));
      break;
    }
    case 'no HOME':
      more = { HOME: undefined };
      break;
    case 'no HOME and a named configuration':
      more = { HOME: undefined, MCPSTEAD_CONFIG: config };
      break;
    case 'a read-only HOME':
      first = unprivileged;
      setModes(home, 0o555);
  }
  return {
    home,
    config,
    port,
    gateways,
    start: (args, input) => {
      const one = startCommand([...first, ...program, ...args], {
        cwd: home,
        env: { ...env, ...more },
        input: input ?? '',
      });
      started.push(one);
      return one;
    },
    files: () => filesBelow(home, state),
    async [Symbol.asyncDispose]() {
      const pids = gateways().map(({ pid }) => pid);
      for (const one of started) await one[Symbol.asyncDispose]();
      for (const pid of pids) end(pid);
      for (const one of foreign) await one.stop();
      if (name === 'a read-only HOME') setModes(home, 0o755);
      rmSync(temporary, { recursive: true, force: true });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Variables that would lead elsewhere than to the home. */
const homeless = Object.fromEntries(
  [
    'XDG_CONFIG_HOME',
    'XDG_STATE_HOME',
    'XDG_DATA_HOME',
    'XDG_CACHE_HOME',
    'XDG_RUNTIME_DIR',
    'CLAUDE_CONFIG_DIR',
    'CODEX_HOME',
    'OPENCODE_CONFIG',
    'OPENCODE_CONFIG_DIR',
    'NO_COLOR',
  ].map((variable) => [variable, undefined]),
);

/** A web server that answers everything, and knows nothing of MCP. */
function foreignServer(port: number): { stop(): unknown } {
  return Bun.serve({
    hostname: '127.0.0.1',
    port,
    fetch: () => Response.json({ status: 'ok', hello: 'from another program' }),
  });
}

function write(home: string, path: string, text: string): string {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const entriesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((path) => join(folder, path));

/** Sets the modes of all folders, and of the files what writing is concerned. */
function setModes(folder: string, mode: number): void {
  chmodSync(folder, 0o755);
  for (const path of entriesBelow(folder).toReversed()) {
    const status = statSync(path);
    chmodSync(path, status.isDirectory() ? mode : status.mode & mode);
  }
  chmodSync(folder, mode);
}

function filesBelow(folder: string, except: string): Record<string, string> {
  return Object.fromEntries(
    entriesBelow(folder)
      .filter((path) => path !== except && !path.startsWith(`${except}/`) && !statSync(path).isDirectory())
      .map((path) => [path.slice(folder.length + 1), `${modeOf(path)} ${readFileSync(path, 'utf8')}`]),
  );
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

function end(pid: number): void {
  try {
    // A process whose files are elsewhere has the same number by chance.
    if (existsSync(`/proc/${pid}`) && readlinkSync(`/proc/${pid}/exe`).includes('mcpstead'))
      process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
