import type { LoadedConfig } from '../config/load.ts';
import { BearerGuard, HostGuard } from './guards.ts';

/** Settings that a reload can change. */
export interface HttpSettings {
  readonly hostGuard: HostGuard;
  /** Null if clients need no token. */
  readonly bearerGuard: BearerGuard | null;
  readonly maxRequestBytes: number;
  readonly metricsEnabled: boolean;
}

/** The settings in a configuration. */
export function httpSettingsOf({ config, bearerToken }: LoadedConfig): HttpSettings {
  return {
    hostGuard: new HostGuard(config.host, config.mcp.allowed_hosts),
    bearerGuard: bearerToken === null ? null : new BearerGuard(bearerToken),
    maxRequestBytes: config.mcp.max_request_bytes,
    metricsEnabled: config.metrics.enabled,
  };
}
