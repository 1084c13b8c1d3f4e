import { type DisabledServer, inFileOrder } from '../config/disabled.ts';
import { shownTarget } from '../config/targets.ts';
import type { Redactor } from '../observability/redact.ts';
import type { Era } from '../protocol/versions.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** One upstream in the response of `/health`. */
interface ServerHealth {
  readonly name: string;
  /** Without user info, query and secrets from variables; of a server that the gateway starts, the name of its command. */
  readonly url: string;
  /** The transport in use, or the configured one if none is. */
  readonly protocol: string;
  readonly required: boolean;
  readonly connected: boolean;
  readonly state: string;
  readonly era: Era | null;
  readonly protocol_version: string | null;
  readonly tools_count: number;
  readonly prompts_count: number;
  readonly resources_count: number;
  /** The sessions that belong to one client each. */
  readonly client_sessions: number;
  /** Log messages of the server that belonged to no single call. */
  readonly log_messages_dropped: number;
  readonly last_seen_seconds_ago: number | null;
  readonly reconnects: number;
  readonly next_retry_seconds: number | null;
  readonly last_error: string | null;
  /** Only of servers that the gateway starts; `last_exit` is an exit code or a signal. */
  readonly pid?: number | null;
  readonly restarts?: number;
  readonly last_exit?: number | string | null;
}

/** The response of `/health`. */
export interface Health {
  /** `degraded` while an enabled upstream is not connected. */
  readonly status: 'ok' | 'degraded';
  readonly uptime_seconds: number;
  readonly servers: readonly ServerHealth[];
}

const seconds = (ms: number | null) => (ms === null ? null : Math.max(0, Math.round(ms) / 1000));

/** Both `upstreams` and `disabled` are in the order of the configuration file. */
export function healthOf(
  upstreams: readonly Upstream[],
  disabled: readonly DisabledServer[],
  redactor: Redactor,
  uptimeMs: number,
): Health {
  const enabled = upstreams.map((upstream): ServerHealth => {
    const { config } = upstream;
    const status = upstream.status();
    return {
      name: upstream.name,
      url: redactor.redact(shownTarget(config)),
      protocol: status.transport ?? (status.process ? 'stdio' : config.protocol),
      required: config.required,
      connected: upstream.isConnected,
      state: status.state,
      era: status.era,
      protocol_version: status.protocolVersion,
      tools_count: upstream.items('tools').length,
      prompts_count: upstream.items('prompts').length,
      resources_count: upstream.items('resources').length,
      client_sessions: upstream.clientSessions(),
      log_messages_dropped: status.logsDropped,
      last_seen_seconds_ago: status.lastSeenMs === null ? null : seconds(Date.now() - status.lastSeenMs),
      reconnects: status.reconnects,
      next_retry_seconds: seconds(status.nextRetryMs),
      last_error: status.lastError,
      ...(status.process && {
        pid: status.process.pid,
        restarts: status.process.restarts,
        last_exit: status.process.lastExit,
      }),
    };
  });
  const degraded = enabled.some((server) => !server.connected);
  const servers = inFileOrder(
    enabled,
    disabled.map((server) => [server.index, disabledHealth(server, redactor)] as const),
  );
  return { status: degraded ? 'degraded' : 'ok', uptime_seconds: seconds(uptimeMs) ?? 0, servers };
}

/** Whether the gateway is ready: all required upstreams are connected. */
export function areRequiredConnected(upstreams: readonly Upstream[]): boolean {
  return upstreams.every(({ config, isConnected }) => !config.required || isConnected);
}

function disabledHealth(server: DisabledServer, redactor: Redactor): ServerHealth {
  const { name, protocol, required } = server;
  return {
    name,
    url: redactor.redact(shownTarget(server)),
    protocol,
    required,
    connected: false,
    state: 'disabled',
    era: null,
    protocol_version: null,
    tools_count: 0,
    prompts_count: 0,
    resources_count: 0,
    client_sessions: 0,
    log_messages_dropped: 0,
    last_seen_seconds_ago: null,
    reconnects: 0,
    next_retry_seconds: null,
    last_error: null,
  };
}
