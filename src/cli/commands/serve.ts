import { envFilePath } from '../../config/env-file.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { GatewayError } from '../../errors.ts';
import type { ExitCode } from '../exit-code.ts';
import { FileWatch } from '../file-watch.ts';
import { runGateway } from '../run-gateway.ts';

interface ServeOptions {
  /** Whether to reload when the configuration or `mcpstead.env` has changed. */
  readonly watch: boolean;
}

/** Serves the configuration at `path` until a signal ends it. */
export async function serve(path: string, options: ServeOptions): Promise<ExitCode> {
  const watch = options.watch ? new FileWatch({ paths: [path, envFilePath(path)] }) : null;
  const readConfig = async (): Promise<LoadedConfig> => {
    await watch?.mark();
    return loadConfig(path, process.env);
  };
  try {
    return await runGateway({
      loaded: await readConfig(),
      readConfig,
      isPersistent: true,
      onReady: (gateway) =>
        watch?.start(async () => {
          // The gateway logs the result, and a failed reload changes nothing.
          await gateway.reload().catch((error: unknown) => {
            if (!(error instanceof GatewayError)) throw error;
          });
        }),
    });
  } finally {
    watch?.stop();
  }
}
