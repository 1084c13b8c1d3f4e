import { inFileOrder } from '../../config/disabled.ts';
import { hostInUrl } from '../../config/hosts.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { ServerConfig } from '../../config/schema.ts';
import { shownTarget } from '../../config/targets.ts';
import { splitUserInfo } from '../../config/user-info.ts';
import { warningsOf } from '../../config/warnings.ts';
import { output } from '../../observability/output.ts';
import { Redactor } from '../../observability/redact.ts';
import type { Kind } from '../../protocol/kinds.ts';
import type { ConnectResult } from '../checking/connect-all.ts';
import { exposureRows, profileRows } from '../checking/exposure-rows.ts';
import type { CheckReport } from '../contracts/check.ts';
import type { ExitCode } from '../exit-code.ts';
import { columns } from '../terminal/columns.ts';
import { print } from '../terminal/print.ts';

/**
 * Validates the file at `path` and its environment, and prints what would be served. With `connect` it also connects to each
 * server once and prints the results; it resolves to 1 if a server is not reachable.
 */
export async function check(path: string, connect: boolean, isJson: boolean): Promise<ExitCode> {
  const loaded = await loadConfig(path, process.env);
  const redactor = new Redactor();
  redactor.setSecrets(loaded.secrets);
  // Imported only here, because the plain check needs no upstream code.
  const {
    results: connected,
    warnings: shared,
    unmatched,
  } = connect
    ? await (await import('../checking/connect-all.ts')).connectAll(loaded, redactor)
    : { results: [], warnings: [], unmatched: [] };
  const ofItems = [...connected.flatMap((server) => server.warnings), ...shared, ...unmatched];
  const found = [...warningsOf(loaded), ...ofItems.map(({ subject, text }) => `${subject}: ${text}`)];
  const warnings = found.map((warning) => redactor.redact(warning));
  if (isJson) print(`${redactor.redactJson(JSON.stringify(reportOf(loaded, connected, warnings)))}\n`);
  else {
    print(`${redactor.redact(summary(loaded, connected))}\n`);
    for (const warning of warnings) output.print(2, `warning: ${warning}\n`);
  }
  const failed = connected.filter((server) => !server.reachable).map((server) => server.name);
  if (failed.length === 0) return 0;
  output.print(
    2,
    `mcpstead: ${failed.length} of ${connected.length} servers could not be connected: ${failed.join(', ')}\n`,
  );
  return 1;
}

/** The summary for programs. */
function reportOf(
  { path, config, disabled }: LoadedConfig,
  connected: readonly ConnectResult[],
  warnings: string[],
): CheckReport {
  const enabled = config.servers.map((server, index) => ({
    name: server.name,
    enabled: true,
    target: shownTarget(server),
    protocol: server.command === undefined ? server.protocol : 'stdio',
    required: server.required,
    connection: connectionReport(connected[index]),
  }));
  const off = disabled.map((server) => {
    const { index, name, protocol, required } = server;
    const target = shownTarget(server);
    return [index, { name, enabled: false, target, protocol, required, connection: null }] as const;
  });
  return {
    path,
    endpoint: config.port === 0 ? null : `http://${hostInUrl(config.host)}:${config.port}/mcp`,
    auth: config.mcp.auth.mode,
    metrics: config.metrics.enabled,
    servers: inFileOrder<CheckReport['servers'][number]>(enabled, off),
    profiles: config.profiles.map(({ name, servers }) => ({ name, servers })),
    warnings,
  };
}

function connectionReport(result: ConnectResult | undefined): CheckReport['servers'][number]['connection'] {
  if (result === undefined) return null;
  const { reachable, cause, protocolVersion, served } = result;
  const count = (kind: Kind) => served?.[kind].length ?? 0;
  return {
    connected: reachable,
    cause,
    protocol_version: protocolVersion,
    tools: count('tools'),
    prompts: count('prompts'),
    resources: count('resources'),
    resource_templates: count('resourceTemplates'),
  };
}

function summary({ path, config, disabled }: LoadedConfig, connected: readonly ConnectResult[]): string {
  const blocks = inFileOrder(
    config.servers.map((server, index) =>
      block(server.name, { ...describe(server), ...connected[index]?.rows }),
    ),
    disabled.map((server) => [server.index, block(server.name, { ...targetOf(server), enabled: 'no' })]),
  );
  const port = config.port === 0 ? '<any free port>' : config.port;
  const head = [
    `${path} is valid.`,
    rows({
      endpoint: `http://${hostInUrl(config.host)}:${port}/mcp`,
      clients:
        config.mcp.auth.mode === 'bearer' ? 'bearer token from MCPSTEAD_BEARER_TOKEN' : 'no authentication',
      metrics: config.metrics.enabled ? '/metrics' : 'off',
      servers: count(blocks.length, disabled.length),
      ...(config.profiles.length > 0 && { profiles: config.profiles.length }),
    }),
  ];
  const profiles = config.profiles.map((profile) => block(`profile ${profile.name}`, profileRows(profile)));
  return [...head, ...blocks, ...profiles].join('\n\n');
}

function count(all: number, disabled: number): string {
  if (all === 0) return 'none';
  return disabled === 0 ? `${all}` : `${all}, ${disabled} of them disabled`;
}

function block(name: string, entries: Readonly<Record<string, unknown>>): string {
  return `${name}\n${rows(entries, '  ')}`;
}

function describe(server: ServerConfig): Record<string, unknown> {
  const { timeouts, tools, reconnect } = server;
  return {
    ...targetOf(server),
    protocol: server.command === undefined ? server.protocol : 'stdio',
    era: server.era,
    required: server.required ? 'yes' : 'no',
    ...(server.command === undefined ? connectionOf(server) : processOf(server)),
    ...(server.isolation === 'session' && {
      isolation: `a session per client, at most ${server.isolation_max}`,
    }),
    timeouts: `connect ${timeouts.connect_seconds} s, request ${timeouts.request_seconds} s`,
    ...exposureRows(server),
    'tool list': `fetched again every ${tools.ttl_seconds} s`,
    reconnect: reconnect.max_attempts === 0 ? 'forever' : `${reconnect.max_attempts} attempts, then given up`,
  };
}

function targetOf(server: Pick<ServerConfig, 'url' | 'command'>): Record<string, unknown> {
  return { [server.command === undefined ? 'url' : 'command']: shownTarget(server) };
}

function connectionOf(server: ServerConfig): Record<string, unknown> {
  return { auth: authOf(server), headers: Object.keys(server.headers).join(', ') || 'none' };
}

/** Arguments and values are not shown: they may be secrets. */
function processOf({
  args = [],
  env = {},
  cwd = 'that of the gateway',
}: ServerConfig): Record<string, unknown> {
  return {
    args: args.length,
    env: Object.keys(env).join(', ') || 'none',
    cwd,
  };
}

function authOf({ auth, url }: ServerConfig): string {
  if (auth !== 'none') return `bearer token from ${auth.token_env}`;
  return url !== undefined && splitUserInfo(url).userInfo ? 'user name and password of the url' : 'none';
}

/** One line for each entry, with the values aligned. */
function rows(entries: Readonly<Record<string, unknown>>, indent = ''): string {
  const cells = Object.entries(entries).map(([key, value]) => [key, String(value)]);
  return columns(cells)
    .map((line) => `${indent}${line}`)
    .join('\n');
}
