import type { LoadedConfig } from '../config/load.ts';
import { AccessGuard, type CookieGuard } from './access.ts';
import { HostGuard } from './guards.ts';

/** Settings that a reload can change. */
export interface HttpSettings {
  readonly hostGuard: HostGuard;
  readonly access: AccessGuard;
  readonly maxRequestBytes: number;
  readonly metricsEnabled: boolean;
}

/**
 * The settings in a configuration.
 * @param adminToken of this start of the gateway
 * @param cookie that of the status page
 */
export function httpSettingsOf(
  { config, bearerToken }: LoadedConfig,
  adminToken: string,
  cookie: CookieGuard,
): HttpSettings {
  return {
    hostGuard: new HostGuard(config.host, config.mcp.allowed_hosts),
    access: new AccessGuard({ bearerToken, adminToken, cookie }),
    maxRequestBytes: config.mcp.max_request_bytes,
    metricsEnabled: config.metrics.enabled,
  };
}
