import { existsSync } from 'node:fs';
import type { GatewayPlace } from '../../bridge/gateway-endpoint.ts';
import type { BridgeLog, FindGateway } from '../../bridge/gateway-link.ts';
import { customaryConfigPath, type Place } from '../../config/places.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import type { Signal } from '../../runtime/abort.ts';
import { sleep } from '../../runtime/deadlines.ts';
import { bearerTokenOf } from '../running/bearer-token.ts';
import { gatewayLocation } from '../running/gateway-location.ts';
import { findRunningGateway, type RunningGateway } from '../running/running-gateway.ts';
import { readInstalled, serviceManager } from '../service/installed.ts';
import { viewUrl } from './bridged-place.ts';
import { StartedGateway } from './started-gateway.ts';

/** What the command line and the environment say about the gateway. */
interface LocalGatewayOptions {
  /** The configuration that is named; null: none. */
  readonly config: string | null;
  readonly view: string | null;
  readonly place: Place;
  readonly log: BridgeLog;
}

/** How long a gateway may take to serve that the bridge has started. */
const startMs = 10_000;
/** How long a gateway that ended may take to come back by itself, and one that a service starts. */
const returnMs = { usual: 3_000, service: 10_000 };
/** How long no gateway is started after one that failed: each starts servers, too. */
const afterFailureMs = 30_000;
const pollMs = 100;

/** Finds the gateway of this machine, and starts one if none runs. */
export class LocalGateway {
  readonly #options: LocalGatewayOptions;
  /** The configuration to look for, and to start with; null: there is none. */
  readonly #config: string | null;
  #started: StartedGateway | null = null;
  /** Why the last gateway that was started does not serve. */
  #failure: { readonly error: GatewayError; readonly untilMs: number } | null = null;
  #tokenProblem = '';

  constructor(options: LocalGatewayOptions) {
    const { config, place } = options;
    const customary = customaryConfigPath(place);
    this.#options = options;
    this.#config = config ?? (customary !== null && existsSync(customary) ? customary : null);
  }

  readonly find: FindGateway = async (signal, { isLost, isUrgent }) => {
    const { config } = this.#options;
    // Without this, another gateway that runs would take its place.
    if (config !== null && !existsSync(config))
      throw new GatewayError('config_invalid', `there is no configuration at ${config}`);
    const running = await this.#running();
    if (running) return this.#placeOf(running);
    if (!isUrgent) throw new GatewayError('unavailable', 'no gateway runs');
    const nowMs = performance.now();
    if (this.#failure !== null && nowMs < this.#failure.untilMs) throw this.#failure.error;
    const isOurs = this.#started !== null;
    const waitMs = this.#isService() ? returnMs.service : isLost && !isOurs ? returnMs.usual : 0;
    const returned = await this.#await(waitMs, signal);
    return this.#placeOf(returned ?? (await this.#start(signal)));
  };

  async #running(): Promise<RunningGateway | null> {
    const { config, place } = this.#options;
    const location = gatewayLocation(this.#config, place);
    const running = await findRunningGateway(location);
    // Without a named configuration, the only gateway that runs is meant.
    return config !== null && location.port !== null && running?.port !== location.port ? null : running;
  }

  /** Waits for a gateway. Resolves to null if none has come, or as soon as none can come. */
  async #await(timeoutMs: number, signal: Signal, isHopeless = () => false): Promise<RunningGateway | null> {
    const endMs = performance.now() + timeoutMs;
    while (performance.now() < endMs && !isHopeless()) {
      if (!(await sleep(pollMs, signal))) throw signal.reason;
      const running = await this.#running();
      if (running) return running;
    }
    return null;
  }

  async #start(signal: Signal): Promise<RunningGateway> {
    const config = this.#config;
    if (config === null)
      throw new GatewayError(
        'config_invalid',
        'no gateway runs, and there is no configuration to start one with; run "mcpstead init", or name one with --config FILE',
      );
    const { place, log } = this.#options;
    if (this.#started === null || this.#started.hasEnded) {
      const { directory, port } = gatewayLocation(config, place);
      if (directory === null)
        throw new GatewayError(
          'config_invalid',
          'no gateway runs, and none can be started without a state directory: set HOME, or state_dir in the configuration',
        );
      log(`no gateway runs; starting one with ${config}`);
      this.#started = await StartedGateway.start({ config, directory, port, place });
    }
    const started = this.#started;
    // Another bridge may have been faster: then the port is taken, and its gateway is about to serve.
    const running = await this.#await(startMs, signal, () => started.isRefused);
    if (running) return running;
    const error = started.failure();
    this.#failure = { error, untilMs: performance.now() + afterFailureMs };
    throw error;
  }

  #placeOf(gateway: RunningGateway): GatewayPlace {
    const { view } = this.#options;
    return {
      url: viewUrl(gateway.url, view),
      token: this.#tokenFor(gateway),
      instance: gateway.token,
      presenceUrl: new URL('/-/bridges', gateway.url).href,
    };
  }

  /** The bearer token, or null: a gateway without authentication needs none. */
  #tokenFor({ config }: RunningGateway): string | null {
    const { place, log } = this.#options;
    try {
      return bearerTokenOf(config, place);
    } catch (error) {
      if (messageOf(error) !== this.#tokenProblem) log(messageOf(error));
      this.#tokenProblem = messageOf(error);
      return null;
    }
  }

  /** Whether a service of the user starts the gateway. */
  #isService(): boolean {
    try {
      return readInstalled(serviceManager(this.#options.place))?.record?.config === this.#config;
    } catch {
      return false;
    }
  }
}
