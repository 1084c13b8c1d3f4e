import type { CallRecord } from '../../observability/recent-calls.ts';
import type { Redactor } from '../../observability/redact.ts';
import type { Era } from '../../protocol/versions.ts';
import { build } from '../../version.ts';
import type { Health } from '../health.ts';
import type { AdminParts } from './parts.ts';
import type { ToolSizes } from './tool-sizes.ts';

/** A server as `/-/servers` shows it: its row of `/health`, and what its tools and calls come to. */
type ServerOverview = Health['servers'][number] & {
  readonly enabled: boolean;
  readonly tokens: number;
  readonly calls_total: number;
  readonly errors_total: number;
  readonly calls_per_minute: number;
  readonly p95_ms: number | null;
};

/** Clients of one name and version. */
interface ClientOverview {
  readonly name: string;
  readonly version: string | null;
  readonly era: Era;
  /** Open sessions, or in the modern era open streams of subscriptions. */
  readonly sessions: number;
}

/** One of the last calls. */
interface CallOverview {
  /** When it ended: ISO 8601, in UTC. */
  readonly at: string;
  readonly server: string;
  /** The server's own name of the tool. */
  readonly tool: string;
  /** Null if the client has not said its name. */
  readonly client: string | null;
  readonly ms: number;
  readonly outcome: CallRecord['outcome'];
  readonly reason: CallRecord['reason'];
}

/** The response of `/-/servers`. */
export interface Overview {
  readonly version: string;
  readonly url: string;
  /** The absolute path of the configuration; null: it is no file. */
  readonly config: string | null;
  readonly pid: number;
  readonly started_at: string;
  readonly uptime_seconds: number;
  readonly status: Health['status'];
  /** Whether clients need a token. */
  readonly auth: 'none' | 'bearer';
  /** In the order of the configuration. */
  readonly servers: readonly ServerOverview[];
  /** The most frequent first. */
  readonly clients: readonly ClientOverview[];
  /** The newest first. */
  readonly calls: readonly CallOverview[];
  readonly profiles: readonly { readonly name: string; readonly servers: readonly string[] }[];
}

/** More descriptions of clients are not looked at. */
const maxClients = 100;
/** Longer names of clients are cut. */
const maxNameChars = 100;

/** What people want to know of the gateway at a glance. */
export async function overviewOf(parts: AdminParts, sizes: ToolSizes): Promise<Overview> {
  const tokens = new Map<string, number>();
  for (const row of await sizes.rows(parts.tools()))
    tokens.set(row.server, (tokens.get(row.server) ?? 0) + row.tokens);
  const { config, bearerToken } = parts.loaded();
  const { status, uptime_seconds, servers } = parts.health();
  const records = parts.recentCalls.list();
  return {
    version: build.version,
    url: parts.url(),
    config: parts.configPath,
    pid: process.pid,
    started_at: parts.startedAt,
    uptime_seconds,
    status,
    auth: bearerToken === null ? 'none' : 'bearer',
    servers: serverOverviews(servers, parts, tokens),
    clients: clientOverviews(parts, records),
    calls: callOverviews(records, parts.redactor),
    profiles: config.profiles.map(({ name, servers: shown }) => ({ name, servers: shown })),
  };
}

function serverOverviews(
  rows: Health['servers'],
  parts: AdminParts,
  tokens: ReadonlyMap<string, number>,
): ServerOverview[] {
  const nowMs = performance.now();
  const summaries = new Map(
    parts.upstreams().map((upstream) => [upstream.name, upstream.metrics.calls.summary(nowMs)]),
  );
  return rows.map((row) => {
    const summary = summaries.get(row.name);
    return {
      ...row,
      enabled: row.state !== 'disabled',
      tokens: tokens.get(row.name) ?? 0,
      calls_total: summary?.calls ?? 0,
      errors_total: summary?.errors ?? 0,
      calls_per_minute: summary?.callsPerMinute ?? 0,
      p95_ms: summary?.p95Ms ?? null,
    };
  });
}

/** Clients of the modern era have no sessions: they count as present while they listen, or are among the last callers. */
function clientOverviews(parts: AdminParts, records: readonly CallRecord[]): ClientOverview[] {
  const { legacy, modern } = parts.clients(maxClients);
  const callers = records
    .filter(({ era }) => era === 'modern')
    .map(({ clientInfo }) => [clientInfo, 0] as const);
  const found = new Map<string, ClientOverview>();
  const add = (era: Era, clientInfo: string, sessions: number) => {
    const described = clientOf(clientInfo, parts.redactor);
    const { name = 'unknown', version } = described ?? { version: null };
    const key = JSON.stringify([name, version, era]);
    const before = found.get(key)?.sessions ?? 0;
    found.set(key, { name, version, era, sessions: before + sessions });
  };
  for (const [clientInfo, sessions] of legacy) add('legacy', clientInfo, sessions);
  for (const [clientInfo, streams] of [...modern, ...callers]) add('modern', clientInfo, streams);
  return [...found.values()].toSorted((a, b) => b.sessions - a.sessions).slice(0, maxClients);
}

function callOverviews(records: readonly CallRecord[], redactor: Redactor): CallOverview[] {
  const sinceEpochMs = Date.now() - performance.now();
  return records.map(({ server, tool, clientInfo, endMs, durationMs, outcome, reason }) => ({
    at: new Date(sinceEpochMs + endMs).toISOString(),
    server,
    tool,
    client: clientOf(clientInfo, redactor)?.name ?? null,
    ms: Math.round(durationMs * 10) / 10,
    outcome,
    reason,
  }));
}

/** The name and version in a client's description of itself; null: it has no name. */
function clientOf(clientInfo: string, redactor: Redactor): { name: string; version: string | null } | null {
  let info: { name?: unknown; version?: unknown } | null;
  try {
    info = JSON.parse(clientInfo);
  } catch {
    return null;
  }
  const name = shown(info?.name, redactor);
  return name === null ? null : { name, version: shown(info?.version, redactor) };
}

function shown(value: unknown, redactor: Redactor): string | null {
  if (typeof value !== 'string') return null;
  const text = redactor.redact(value.slice(0, maxNameChars).toWellFormed());
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim() || null;
}
