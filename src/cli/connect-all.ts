import type { LoadedConfig } from '../config/load.ts';
import type { ServerConfig } from '../config/schema.ts';
import { isOwnAddress } from '../config/warnings.ts';
import { type Redactor, sanitizeReason } from '../observability/redact.ts';
import { qualify, refusedNames } from '../registry/names.ts';
import { loopFailure, toFailure } from '../upstream/failure.ts';
import { type ProbeResult, probe } from '../upstream/probe.ts';

/** The result of connecting to a server. */
export interface ConnectResult {
  readonly name: string;
  readonly reachable: boolean;
  /** The rows to show, by their titles. */
  readonly rows: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

/** Connects to all enabled servers at the same time; resolves to one result for each, in their order. */
export function connectAll(
  { config, upstreamTokens }: LoadedConfig,
  redactor: Redactor,
): Promise<ConnectResult[]> {
  const quote = (text: string) => sanitizeReason(text, redactor);
  return Promise.all(
    config.servers.map((server) =>
      probe({ server, token: upstreamTokens.get(server.name) ?? null }, quote).then(
        (found) =>
          // It may be the running gateway itself, which will recognize itself and refuse.
          found.serverInfo.startsWith('mcpstead ') && isOwnAddress(server.url, config)
            ? unreachable(server, loopFailure(true).message)
            : reachable(server, found, quote),
        (error) => unreachable(server, quote(toFailure(error).message)),
      ),
    ),
  );
}

function reachable(
  { name }: ServerConfig,
  found: ProbeResult,
  quote: (text: string) => string,
): ConnectResult {
  const { serverInfo, transport, protocolVersion, speaks, tools, toolFaults } = found;
  const warnings = refusedNames(tools.map((tool) => qualify(name, tool.name))).map(
    ({ why, tools: count, example }) =>
      `${name}: the name of ${count === 1 ? '1 tool' : `each of ${count} tools`} ${why}, for example ${quote(example)}`,
  );
  if (toolFaults !== null)
    warnings.push(`${name}: part of the tool list cannot be used: ${quote(toolFaults)}`);
  const older = speaks.length > 1 ? ', and older ones' : '';
  const rows = {
    connected: `yes, over ${transport} with protocol version ${protocolVersion}${older}`,
    server: serverInfo || 'unnamed',
    tools: tools.length,
  };
  return { name, reachable: true, rows, warnings };
}

function unreachable({ name }: ServerConfig, cause: string): ConnectResult {
  return { name, reachable: false, rows: { connected: `no: ${cause}` }, warnings: [] };
}
