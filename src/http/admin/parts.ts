import type { LoadedConfig } from '../../config/load.ts';
import type { ClientCounts } from '../../downstream/client-counts.ts';
import type { LogHistory } from '../../observability/log-history.ts';
import type { RecentCalls } from '../../observability/recent-calls.ts';
import type { Redactor } from '../../observability/redact.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Catalog } from '../../registry/catalog.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import type { Health } from '../health.ts';

/** The parts of the gateway that people and commands see at the endpoints below `/-/`. */
export interface AdminParts {
  /** The `/mcp` endpoint, at an address to which this machine can connect. */
  readonly url: () => string;
  /** ISO 8601, in UTC. */
  readonly startedAt: string;
  /** The absolute path of the configuration; null: it is no file. */
  readonly configPath: string | null;
  readonly loaded: () => LoadedConfig;
  readonly health: () => Health;
  /** All enabled servers, in the order of the configuration. */
  readonly upstreams: () => readonly Upstream[];
  /** The tools that clients of the whole gateway see. */
  readonly tools: () => Catalog;
  /** The most frequent clients of each era. */
  readonly clients: (max: number) => Readonly<Record<Era, ClientCounts>>;
  readonly recentCalls: RecentCalls;
  readonly logs: LogHistory;
  readonly redactor: Redactor;
}
