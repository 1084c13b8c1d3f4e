import { type CommandDef, defineCommand } from 'citty';
import { GatewayError } from '../errors.ts';
import { build } from '../version.ts';

/** A command with any arguments: citty's type of a command is invariant in them. */
// biome-ignore lint/suspicious/noExplicitAny: see above; citty's own SubCommandsDef does the same.
export type Command = CommandDef<any>;

const help = { type: 'boolean', alias: 'h', description: 'Show this help' } as const;
const config = {
  type: 'string',
  alias: 'c',
  valueHint: 'FILE',
  description: 'Configuration file in YAML; MCPSTEAD_CONFIG names the default',
} as const;

/** The configuration file that the command line names, else the one that the environment names. */
function configPath(flag: string | undefined): string {
  const path = flag ?? process.env.MCPSTEAD_CONFIG;
  if (path) return path;
  throw new GatewayError(
    'usage',
    'no configuration file: pass --config FILE or set MCPSTEAD_CONFIG=FILE.\n' +
      'To try mcpstead without one, run "mcpstead demo".',
  );
}

/** Parses a TCP port; with 0 the system chooses one. */
function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new GatewayError('usage', `--port expects a number from 0 to 65535, found "${text}"`);
}

// Commands import their code when they run, so that --help and --version answer at once.

const serve = defineCommand({
  meta: { name: 'serve', description: 'Serve /mcp in front of the configured MCP servers (the default)' },
  args: { config, help },
  run: async ({ args }) => (await import('./commands/serve.ts')).serve(configPath(args.config)),
});

const check = defineCommand({
  meta: {
    name: 'check',
    description: 'Validate the configuration and its environment, and show what would be served',
  },
  args: {
    config,
    connect: { type: 'boolean', description: 'Connect to each server once, and report the result' },
    help,
  },
  run: async ({ args }) =>
    (await import('./commands/check.ts')).check(configPath(args.config), args.connect === true),
});

const demo = defineCommand({
  meta: { name: 'demo', description: 'Serve an embedded example MCP server; needs no configuration' },
  args: {
    port: { type: 'string', valueHint: 'N', default: '8766', description: 'Port to listen on' },
    help,
  },
  run: async ({ args }) => (await import('./commands/demo.ts')).demo(parsePort(args.port)),
});

/** The subcommands by name. Every `run` resolves to an ExitCode. */
export const subCommands: Readonly<Record<string, Command>> = { serve, check, demo };

/** The program itself, which serves if there is no subcommand. */
export const root: Command = defineCommand({
  meta: {
    name: 'mcpstead',
    version: build.version,
    description: 'One /mcp endpoint in front of all your MCP servers',
  },
  args: {
    config,
    help,
    version: { type: 'boolean', description: 'Show the version, the commit and the version of Bun' },
  },
  subCommands: { ...subCommands },
  run: async ({ args }) => (await import('./commands/serve.ts')).serve(configPath(args.config)),
});
