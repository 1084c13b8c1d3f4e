import type { Config } from '../config/schema.ts';
import { isOwnAddress } from '../config/warnings.ts';
import { GatewayError, messageOf } from '../errors.ts';
import { loopFailure } from './failure.ts';
import type { Upstream } from './upstream.ts';

/**
 * Resolves when an upstream is ready, at once if it is not required. Rejects with `required_upstream_down` when its attempts are
 * used up, or after `connect_seconds` if their number is not limited.
 * @param config the configuration of the gateway
 */
export async function requiredReady(upstream: Upstream, config: Config): Promise<void> {
  const { url, required, reconnect, timeouts } = upstream.config;
  if (!required) return;
  const down = (cause: string) => {
    const message = `required upstream "${upstream.name}" is not reachable: ${cause}`;
    return new GatewayError('required_upstream_down', message);
  };
  // The gateway answers only when its required upstreams are ready, so it could not reach itself.
  if (isOwnAddress(url, config)) throw down(loopFailure(true).message);
  const expired = Promise.withResolvers<never>();
  const expire = () => {
    const cause = upstream.status().lastError ?? `did not initialize within ${timeouts.connect_seconds} s`;
    expired.reject(down(cause));
  };
  const timer = reconnect.max_attempts > 0 ? undefined : setTimeout(expire, timeouts.connect_seconds * 1000);
  try {
    await Promise.race([upstream.firstReady(), expired.promise]);
  } catch (error) {
    throw error instanceof GatewayError ? error : down(messageOf(error));
  } finally {
    clearTimeout(timer);
  }
}
