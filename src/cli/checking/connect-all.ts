import type { LoadedConfig } from '../../config/load.ts';
import type { ServerConfig } from '../../config/schema.ts';
import { isOwnAddress } from '../../config/warnings.ts';
import { type Redactor, sanitizeReason } from '../../observability/redact.ts';
import { allKinds, type Kind } from '../../protocol/kinds.ts';
import { loopFailure, toFailure } from '../../upstream/failure.ts';
import { type ProbeResult, probe } from '../../upstream/probe.ts';
import { Progress } from '../terminal/progress.ts';
import {
  countRows,
  duplicateWarnings,
  type FixableWarning,
  faultWarning,
  type ItemWarning,
  nameWarnings,
  type ServedNames,
  servedNames,
} from './served-items.ts';
import { type ItemNames, unmatchedNames } from './unmatched-names.ts';

/** The result of connecting to a server. */
export interface ConnectResult {
  readonly name: string;
  readonly reachable: boolean;
  /** Why it is not reachable; null if it is. */
  readonly cause: string | null;
  readonly protocolVersion: string | null;
  /** The rows to show, by their titles. */
  readonly rows: Readonly<Record<string, unknown>>;
  readonly warnings: readonly FixableWarning[];
  /** Null if the server is not reachable. */
  readonly served: ServedNames | null;
  /** The names that its filters and renames may use. Null if the server is not reachable. */
  readonly itemNames: ItemNames | null;
}

/** All servers, with the warnings that concern several of them. */
interface ConnectResults {
  /** One for each, in their order. */
  readonly results: readonly ConnectResult[];
  readonly warnings: readonly FixableWarning[];
  /** About names in the settings that no item has. */
  readonly unmatched: readonly ItemWarning[];
}

/** Connects to all enabled servers at the same time. */
export async function connectAll(
  { config, upstreamTokens }: LoadedConfig,
  redactor: Redactor,
): Promise<ConnectResults> {
  const quote = (text: string) => sanitizeReason(text, redactor);
  const progress = new Progress();
  const connect = (server: ServerConfig) =>
    probe({ server, token: upstreamTokens.get(server.name) ?? null }, quote).then(
      (found) =>
        // It may be the running gateway itself, which will recognize itself and refuse.
        found.serverInfo.startsWith('mcpstead ') && isOwnAddress(server.url, config)
          ? unreachable(server, loopFailure(true).message)
          : reachable(server, found, quote),
      (error) => unreachable(server, quote(toFailure(error).message)),
    );
  const results = await Promise.all(
    config.servers.map((server) => progress.track(`connecting to ${server.name}`, connect(server))),
  );
  const reached = results.flatMap(({ itemNames }) => itemNames ?? []);
  const unmatched = unmatchedNames(config.profiles, reached);
  return {
    results,
    warnings: duplicateWarnings(results, quote),
    unmatched: unmatched.map(({ subject, text }) => ({ subject, text: quote(text) })),
  };
}

function reachable(config: ServerConfig, found: ProbeResult, quote: (text: string) => string): ConnectResult {
  const { name } = config;
  const { serverInfo, transport, protocolVersion, items, faults } = found;
  const served = servedNames(config, items);
  const warnings = nameWarnings(name, served, quote);
  for (const kind of allKinds) {
    const fault = faults[kind];
    if (fault !== undefined) warnings.push(faultWarning(name, kind, quote(fault)));
  }
  const ownNames = (kind: Kind) => (faults[kind] === undefined ? items[kind].map((item) => item.name) : []);
  const itemNames = {
    server: config,
    tools: ownNames('tools'),
    prompts: ownNames('prompts'),
    servedTools: faults.tools === undefined ? served.tools : [],
  };
  const rows = {
    connected: `yes, over ${transport} with protocol version ${protocolVersion}`,
    server: serverInfo || 'unnamed',
    ...countRows(items, served),
  };
  return { name, reachable: true, cause: null, protocolVersion, rows, warnings, served, itemNames };
}

function unreachable({ name }: ServerConfig, cause: string): ConnectResult {
  const rows = { connected: `no: ${cause}` };
  const none = { protocolVersion: null, warnings: [], served: null, itemNames: null };
  return { name, reachable: false, cause, rows, ...none };
}
