import { messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/log.ts';
import { type GatewayFile, removeGatewayFile, writeGatewayFile } from '../../state/gateway-file.ts';
import { build } from '../../version.ts';

/** A gateway that serves. */
interface ServingGateway {
  /** The port that it listens on. */
  readonly port: number;
  readonly localUrl: string;
  readonly startedAt: string;
}

/**
 * Tells the commands of this user that a gateway runs. If that fails, logs a warning: the gateway serves all the same.
 * @param directory the state directory; null: there is none, so nothing is written
 * @param config the absolute path of its configuration
 * @param token its admin token
 * @returns takes it back; never throws
 */
export function announceGateway(
  directory: string | null,
  { port, localUrl, startedAt }: ServingGateway,
  config: string | null,
  token: string,
  logger: Logger,
): () => void {
  if (directory === null) return () => {};
  const file: GatewayFile = {
    pid: process.pid,
    url: localUrl,
    config,
    token,
    version: build.version,
    started_at: startedAt,
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
