import type { LoadedConfig } from '../../config/load.ts';
import { secretsOfCollector } from '../../config/secrets.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import type { Gateway } from '../../gateway.ts';
import { createLogger, type Logger } from '../../observability/log.ts';
import { LogHistory } from '../../observability/log-history.ts';
import { openTracing } from '../../observability/open-tracing.ts';
import { Redactor } from '../../observability/redact.ts';
import { newAdminToken } from '../../state/gateway-file.ts';
import { openState, volatileState } from '../../state/state.ts';
import { absolutePath } from '../absolute-path.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { announceGateway } from './announcement.ts';
import { type SignalWatch, watchSignals } from './signals.ts';

interface RunOptions {
  readonly loaded: LoadedConfig;
  /** Reads the configuration again, for a reload. */
  readonly readConfig: () => Promise<LoadedConfig>;
  /** Whether the client sessions survive a restart. */
  readonly isPersistent: boolean;
  /** After how long without a bridge (`mcpstead stdio`) the gateway stops; by default it goes on. */
  readonly untilUnusedMs?: number;
  /** Called when the gateway serves. */
  readonly onReady?: (gateway: Gateway) => void;
}

/**
 * Runs the gateway until SIGINT or SIGTERM; SIGHUP reloads. Resolves to 0 after a graceful stop and to 1 if a second signal
 * cuts that short. Rejects if the gateway cannot start.
 */
export async function runGateway({
  loaded,
  readConfig,
  isPersistent,
  untilUnusedMs,
  onReady,
}: RunOptions): Promise<ExitCode> {
  const redactor = new Redactor();
  redactor.setSecrets(loaded.secrets);
  const logHistory = new LogHistory();
  const logger = createLogger({ ...loaded.config.logging, redactor, history: logHistory });
  surviveStrayErrors(logger);
  const signals = watchSignals();

  const { Gateway } = await import('../../gateway.ts');
  const abort = new AbortController();
  const { state_dir: directory, port } = loaded.config;
  const stateDirectory = { directory, port, key: loaded.stateKey };
  const state = isPersistent ? openState(stateDirectory, logger) : volatileState();
  const adminToken = newAdminToken();
  const configPath = isPersistent ? absolutePath(loaded.path) : null;
  redactor.addSecrets(secretsOfCollector(process.env));
  const tracing = await openTracing(process.env, logger, redactor);
  const bridge = async () => (await import('../connecting/gateway-target.ts')).bridgeOf(loaded.path, place);
  const live = { configPath, logHistory, tracing, ...(isPersistent && { bridge }) };
  const options = { loaded, readConfig, logger, redactor, state, adminToken, ...live };
  const starting = Gateway.start({ ...options, signal: abort.signal });
  const gateway = await Promise.race([starting, signals.stop.then(() => null)]);
  if (gateway === null) {
    abort.abort();
    logger.info(`${await signals.stop}: giving up the start`);
    // The gateway may have become ready at the moment of the signal.
    const gaveUp = starting.then(
      (ready) => ready.stop(),
      () => {},
    );
    return ending(gaveUp, signals, logger);
  }
  // The program starts with a JIT policy that compiles little (scripts/build.ts): code of the start runs only once.
  Bun.unsafe.setJITPolicy(1);
  signals.onHangup(() => void reload(gateway));
  const withdraw = announceGateway(state.directory, gateway, configPath, adminToken, logger);
  // Last: whoever waits for this line may send signals and use the commands at once.
  logger.info(`serving ${gateway.url}/mcp`);
  onReady?.(gateway);

  logger.info(`${await endOf(gateway, signals, untilUnusedMs)}: shutting down`);
  const stopped = gateway.stop().then(() => tracing?.stop());
  const exitCode = await ending(stopped, signals, logger);
  withdraw();
  if (exitCode !== 0) gateway.kill();
  return exitCode;
}

/** Resolves to the reason for which the gateway has to stop. */
function endOf(gateway: Gateway, signals: SignalWatch, untilUnusedMs: number | undefined): Promise<string> {
  if (untilUnusedMs === undefined) return signals.stop;
  const unused = gateway.unused(untilUnusedMs).then(() => 'not used by any "mcpstead stdio" any more');
  return Promise.race([signals.stop, unused]);
}

/** Resolves to 0 when `graceful` settles, or to 1 as soon as a second signal arrives. */
async function ending(graceful: Promise<unknown>, signals: SignalWatch, logger: Logger): Promise<ExitCode> {
  const second = await Promise.race([graceful.then(() => null), signals.secondStop]);
  if (second === null) return 0;
  logger.warn(`${second} again: exiting at once`);
  return 1;
}

/** Reloads. The gateway logs the result, and a failed reload changes nothing. */
async function reload(gateway: Gateway): Promise<void> {
  try {
    await gateway.reload();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

/**
 * Logs errors that nothing awaits instead of ending the process: such an error comes from one call or one upstream, and
 * others go on.
 */
function surviveStrayErrors(logger: Logger): void {
  const log = (error: unknown) => {
    logger.error(`unexpected error, still serving: ${messageOf(error)}`);
    if (error instanceof Error) logger.debug('stack of the unexpected error', { stack: error.stack });
  };
  process.on('uncaughtException', log).on('unhandledRejection', log);
}
