import type { LoadedConfig } from '../../config/load.ts';
import type { ServerConfig } from '../../config/schema.ts';
import { GatewayError } from '../../errors.ts';
import { Gateway } from '../../gateway.ts';
import { createLogger } from '../../observability/log.ts';
import { Redactor } from '../../observability/redact.ts';
import type { McpEndpoint } from './mcp-client.ts';

/** A gateway in this process, for one call. */
interface PrivateGateway {
  readonly endpoint: McpEndpoint;
  /** Ends it, and the servers that it started. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway for some servers of a configuration on a free port of the loopback interface, with a token that nobody else has.
 * Resolves when they are connected. Rejects with `unavailable` if one cannot be, or when the signal
 * aborts.
 */
export async function startPrivateGateway(
  loaded: LoadedConfig,
  servers: readonly ServerConfig[],
  signal: AbortSignal,
): Promise<PrivateGateway> {
  const token = crypto.randomUUID();
  const { config } = loaded;
  const { session } = config.mcp;
  const own: LoadedConfig = {
    ...loaded,
    bearerToken: token,
    config: {
      ...config,
      host: '127.0.0.1',
      port: 0,
      // One attempt: somebody waits.
      servers: servers.map((server) => ({
        ...server,
        required: true,
        reconnect: { ...server.reconnect, max_attempts: 1 },
      })),
      profiles: [],
      mcp: {
        ...config.mcp,
        auth: { mode: 'bearer' },
        allowed_hosts: [],
        session: { ...session, drain_delay_seconds: 0, shutdown_grace_seconds: 0 },
      },
    },
    warnings: [],
  };
  const redactor = new Redactor();
  redactor.setSecrets([...loaded.secrets, token]);
  // What goes wrong reaches the person as the failure of the call.
  const logger = createLogger({ level: 'error', format: 'pretty', redactor, write: () => {} });
  const starting = Gateway.start({ loaded: own, readConfig: async () => own, logger, redactor, signal });
  const gateway = await starting.catch((error) => {
    if (!(error instanceof GatewayError) || error.kind !== 'required_upstream_down') throw error;
    // That is what it is for this gateway only.
    throw new GatewayError('unavailable', error.message.replace(/^required upstream /, ''));
  });
  return { endpoint: { url: `${gateway.url}/mcp`, token }, stop: () => gateway.stop() };
}
