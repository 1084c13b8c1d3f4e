import { z } from 'zod';

const text = z.string();
const count = z.number();

const serverRow = z.object({
  name: text,
  url: text.describe(
    'Without user info and query; of a server that the gateway starts, the name of its command.',
  ),
  enabled: z.boolean(),
  required: z.boolean(),
  connected: z.boolean(),
  state: text.describe(
    '`ready`, `connecting`, `starting`, `backoff`, `given_up`, `disabled` or another word.',
  ),
  protocol: text.describe('The transport in use, or the configured one.'),
  era: text.nullable(),
  protocol_version: text.nullable(),
  tools_count: count,
  prompts_count: count,
  resources_count: count,
  tokens: count.describe('What its tools cost a client: a quarter of their bytes.'),
  calls_total: count,
  errors_total: count,
  calls_per_minute: count,
  p95_ms: count.nullable(),
  client_sessions: count,
  reconnects: count,
  last_seen_seconds_ago: count.nullable(),
  next_retry_seconds: count.nullable(),
  last_error: text.nullable(),
  pid: count.nullable().optional().describe('Only of a server that the gateway starts.'),
  restarts: count.optional(),
});

/** `/-/servers`, as the commands understand it. Members that they do not know are left out. */
export const overviewContract = z.object({
  version: text,
  url: text.describe('The `/mcp` endpoint.'),
  config: text.nullable().describe('The path of its configuration; null: it is no file.'),
  pid: count,
  started_at: text,
  uptime_seconds: count,
  status: z.enum(['ok', 'degraded']),
  auth: text.describe('`none` or `bearer`.'),
  servers: z.array(serverRow).describe('In the order of the configuration.'),
  clients: z.array(
    z.object({
      name: text,
      version: text.nullable(),
      era: text,
      sessions: count.describe('Open sessions, or in the modern era open streams of subscriptions.'),
    }),
  ),
  profiles: z.array(z.object({ name: text, servers: z.array(text) })),
});

/** `mcpstead status --json`. */
export const statusContract = z.object({
  running: z.boolean().describe('Whether a gateway runs; if not, the exit code is 1.'),
  gateway: overviewContract.nullable().describe('The running gateway; null: there is none.'),
});

export type GatewayOverview = z.infer<typeof overviewContract>;
export type StatusReport = z.infer<typeof statusContract>;
