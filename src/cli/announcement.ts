import { hostInUrl } from '../config/hosts.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { type GatewayFile, removeGatewayFile, writeGatewayFile } from '../state/gateway-file.ts';
import { build } from '../version.ts';

/** A gateway that serves. */
interface ServingGateway {
  /** The address that it listens on. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The path of the configuration. */
  readonly configPath: string;
  readonly adminToken: string;
}

/**
 * Tells the commands of this user that a gateway runs. If that fails, logs a warning: the gateway serves all the same.
 * @param directory the state directory; null: there is none, so nothing is written
 * @returns takes it back; never throws
 */
export function announceGateway(
  directory: string | null,
  { host, port, configPath, adminToken }: ServingGateway,
  logger: Logger,
): () => void {
  if (directory === null) return () => {};
  const file: GatewayFile = {
    pid: process.pid,
    url: `http://${hostInUrl(reachableHost(host))}:${port}/mcp`,
    config: Bun.fileURLToPath(Bun.pathToFileURL(configPath)),
    token: adminToken,
    version: build.version,
    started_at: new Date().toISOString(),
  };
  try {
    writeGatewayFile(directory, port, file);
  } catch (error) {
    const what = 'commands such as "mcpstead status" will not find this gateway: its file cannot be written';
    logger.warn(what, { directory, cause: messageOf(error) });
    return () => {};
  }
  return () => removeGatewayFile(directory, port, file);
}

/** An address at which this machine reaches what listens on `host`. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
