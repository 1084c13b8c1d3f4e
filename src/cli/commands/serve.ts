import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { ExitCode } from '../exit-code.ts';
import { runGateway } from '../run-gateway.ts';

/** Serves the configuration at `path` until a signal ends it. */
export async function serve(path: string): Promise<ExitCode> {
  const readConfig = (): Promise<LoadedConfig> => loadConfig(path, process.env);
  return runGateway({ loaded: await readConfig(), readConfig, isPersistent: true });
}
