import type { LoadedConfig } from '../config/load.ts';
import { GatewayError, messageOf } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { createLogger, type Logger } from '../observability/log.ts';
import { Redactor } from '../observability/redact.ts';
import { openState, type StatePlace, volatileState } from '../state/state.ts';
import type { ExitCode } from './command-table.ts';
import { type SignalWatch, watchSignals } from './signals.ts';

/** What to serve, and what to do once it is being served. */
interface Run {
  readonly loaded: LoadedConfig;
  /** Reads the configuration again, for a reload. */
  readonly readConfig: () => Promise<LoadedConfig>;
  /** Whether clients may go on with their sessions after a restart. */
  readonly outlives: boolean;
  readonly onReady?: (gateway: Gateway) => void;
}

/**
 * Starts the gateway and keeps it until SIGINT or SIGTERM; SIGHUP reloads. Resolves to 0 after a graceful
 * stop and to 1 when a second signal cut that short. Rejects when the gateway cannot start.
 */
export async function runGateway({ loaded, readConfig, outlives, onReady }: Run): Promise<ExitCode> {
  const redactor = new Redactor();
  redactor.setSecrets(loaded.secrets);
  const logger = createLogger({ ...loaded.config.logging, redactor });
  surviveStrayErrors(logger);
  const signals = watchSignals();

  const { Gateway } = await import('../gateway.ts');
  const abort = new AbortController();
  const state = outlives ? openState(placeOf(loaded), logger) : volatileState();
  const starting = Gateway.start({ loaded, readConfig, logger, redactor, state, signal: abort.signal });
  const gateway = await Promise.race([starting, signals.stop.then(() => null)]);
  if (gateway === null) {
    abort.abort();
    logger.info(`${await signals.stop}: giving up the start`);
    // It may have been ready just as the signal came.
    const gaveUp = starting.then(
      (ready) => ready.stop(),
      () => {},
    );
    return ending(gaveUp, signals, logger);
  }
  // What ran until now runs once: the program starts with little of it compiled, see scripts/build.ts.
  Bun.unsafe.setJITPolicy(1);
  logger.info(`serving ${gateway.url}/mcp`);
  signals.onHangup(() => void reload(gateway));
  onReady?.(gateway);

  logger.info(`${await signals.stop}: shutting down`);
  const exitCode = await ending(gateway.stop(), signals, logger);
  if (exitCode !== 0) gateway.kill();
  return exitCode;
}

function placeOf({ config, stateKey }: LoadedConfig): StatePlace {
  return { directory: config.state_dir, key: stateKey, port: config.port };
}

/** Resolves to 0 once `graceful` has ended, or to 1 as soon as a second signal cuts it short. */
async function ending(graceful: Promise<unknown>, signals: SignalWatch, logger: Logger): Promise<ExitCode> {
  const second = await Promise.race([graceful.then(() => null), signals.secondStop]);
  if (second === null) return 0;
  logger.warn(`${second} again: exiting at once`);
  return 1;
}

/** The gateway logs the outcome. A reload that fails changes nothing, so it does not matter here. */
async function reload(gateway: Gateway): Promise<void> {
  try {
    await gateway.reload();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

/**
 * An error that nothing waits for comes from one call or one upstream. Ending the process for it would drop
 * the calls of all others, so it is only logged.
 */
function surviveStrayErrors(logger: Logger): void {
  const log = (error: unknown) => {
    logger.error(`unexpected error, still serving: ${messageOf(error)}`);
    if (error instanceof Error) logger.debug('stack of the unexpected error', { stack: error.stack });
  };
  process.on('uncaughtException', log).on('unhandledRejection', log);
}
