import { envFilePath } from '../../config/env-file.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { GatewayError } from '../../errors.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { boundErrorFile } from '../serving/bounded-log.ts';
import { FileWatch } from '../serving/file-watch.ts';
import { runGateway } from '../serving/run-gateway.ts';

interface ServeOptions {
  /** Whether to reload when the configuration or `mcpstead.env` has changed. */
  readonly watch: boolean;
  /** After how many seconds without a bridge (`mcpstead stdio`) to stop; undefined: never. */
  readonly untilUnused: string | undefined;
  /** The file that stderr is written to, which is kept short; undefined: it is none. */
  readonly logFile: string | undefined;
}

/** Serves the configuration at `path` until a signal ends it. */
export async function serve(path: string, options: ServeOptions): Promise<ExitCode> {
  const watch = options.watch ? new FileWatch({ paths: [path, envFilePath(path)] }) : null;
  const untilUnusedMs = 1000 * Number(options.untilUnused);
  if (options.logFile !== undefined) boundErrorFile(options.logFile);
  const readConfig = async (): Promise<LoadedConfig> => {
    await watch?.mark();
    return loadConfig(path, process.env);
  };
  const loaded = await readConfig();
  try {
    return await runGateway({
      loaded,
      readConfig,
      isPersistent: true,
      ...(untilUnusedMs > 0 && { untilUnusedMs }),
      onReady: (gateway) =>
        watch?.start(async () => {
          // The gateway logs the result, and a failed reload changes nothing.
          await gateway.reload().catch((error: unknown) => {
            if (!(error instanceof GatewayError)) throw error;
          });
        }),
    });
  } catch (error) {
    throw isPortTaken(error) ? await withListener(error, loaded) : error;
  } finally {
    watch?.stop();
  }
}

const isPortTaken = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && error.kind === 'port_unavailable';

/** Adds to the error that a gateway of this user has the port, if so. */
async function withListener(error: GatewayError, { config, path }: LoadedConfig): Promise<GatewayError> {
  const { findRunningGateway } = await import('../running/running-gateway.ts');
  const { gatewayLocation } = await import('../running/gateway-location.ts');
  const found = await findRunningGateway(gatewayLocation(path, place)).catch(() => null);
  if (found?.port !== config.port) return error;
  return new GatewayError(
    error.kind,
    `${error.message}\nA gateway runs there already${found.config === null ? '' : `, with ${found.config}`}: mcpstead status`,
  );
}
