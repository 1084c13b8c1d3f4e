import { output } from '../../observability/output.ts';
import { build } from '../../version.ts';
import { type GatewayOverview, overviewContract, type StatusReport } from '../contracts/status.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { answerOf, gatewayOf, noGatewayText } from '../running/admin-answers.ts';
import { columns } from '../terminal/columns.ts';
import { counted, duration, rounded, thousands } from '../terminal/figures.ts';
import { print, printJson } from '../terminal/print.ts';
import { safeLine } from '../terminal/safe-text.ts';
import { shownPath } from '../terminal/shown-path.ts';
import { legible } from '../terminal/unicode.ts';

type ServerRow = GatewayOverview['servers'][number];

/** Longer errors of servers are cut. */
const maxErrorChars = 160;

/** Shows what runs. Resolves to 1 if no gateway does. @param config null: there is no configuration */
export async function status(config: string | null, isJson: boolean): Promise<ExitCode> {
  const gateway = await gatewayOf(config);
  const overview = gateway && (await answerOf(gateway, '/-/servers', overviewContract));
  if (isJson) printJson({ running: overview !== null, gateway: overview } satisfies StatusReport);
  if (overview === null) {
    output.print(2, `mcpstead: ${noGatewayText(config)}\n`);
    return 1;
  }
  if (overview.version !== build.version)
    output.print(
      2,
      `warning: the gateway runs version ${overview.version}, and this command is version ${build.version}: restart the gateway\n`,
    );
  if (!isJson) print(`${legible(statusText(overview), place)}\n`);
  return 0;
}

function statusText(overview: GatewayOverview): string {
  const { version, url, config, uptime_seconds, auth, servers, clients, profiles } = overview;
  const head = [
    `mcpstead ${version}`,
    url,
    `up ${duration(uptime_seconds)}`,
    ...(auth === 'none' ? [] : ['clients need the bearer token']),
    ...(config === null ? [] : [shownPath(config, place)]),
  ].join('  ');
  const rows =
    servers.length === 0
      ? ['no servers; to add one: mcpstead add NAME URL']
      : columns(servers.map(serverCells), [3, 4, 5, 6, 7]);
  const views = profiles.map(({ name, servers: shown }) => `/mcp/${name}: ${shown.join(', ')}`);
  return [head, ...rows, ...views, `clients: ${clientsText(clients)}`].join('\n');
}

function serverCells(server: ServerRow): string[] {
  const { name, state, era, tools_count, tokens, calls_total, errors_total, p95_ms } = server;
  const isKnown = server.connected || tools_count > 0;
  return [
    name,
    state.replaceAll('_', ' '),
    era ?? '–',
    isKnown ? counted(tools_count, 'tool') : '–',
    isKnown ? `${thousands(tokens)} tokens` : '–',
    calls_total === 0 ? '–' : counted(calls_total, 'call'),
    calls_total === 0 ? '–' : counted(errors_total, 'error'),
    p95_ms === null ? '–' : `p95 ${rounded(p95_ms)} ms`,
    remarks(server).join('; '),
  ];
}

/** What is wrong with a server, what happens next, and what to do. */
function remarks({ name, state, connected, next_retry_seconds, last_error }: ServerRow): string[] {
  if (state === 'disabled') return [`run: mcpstead enable ${name}`];
  if (connected) return [];
  return [
    ...(last_error === null ? [] : [safeLine(last_error, maxErrorChars)]),
    ...(next_retry_seconds === null ? [] : [`next try in ${duration(next_retry_seconds)}`]),
    ...(last_error === null ? [] : ['run: mcpstead doctor']),
  ];
}

function clientsText(clients: GatewayOverview['clients']): string {
  if (clients.length === 0) return 'none';
  return clients
    .map(({ name, sessions }) => (sessions > 0 ? `${safeLine(name, 60)} ${sessions}` : safeLine(name, 60)))
    .join(', ');
}
