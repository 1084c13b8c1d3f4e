import type { DownstreamMetrics } from '../../observability/downstream-metrics.ts';
import type { AccessGuard } from '../access.ts';
import type { Admin } from '../admin/admin.ts';
import type { PageSessions } from './page-sessions.ts';

/** What the status page needs of the gateway. */
export interface PageParts {
  readonly admin: Admin;
  /** The current one. */
  readonly access: () => AccessGuard;
  readonly sessions: PageSessions;
  readonly port: () => number;
  readonly metrics: DownstreamMetrics;
  /** Finds the words that start `mcpstead stdio` for this gateway, on its machine; null: that cannot find it. */
  readonly bridge: (() => Promise<readonly string[]>) | null;
}
