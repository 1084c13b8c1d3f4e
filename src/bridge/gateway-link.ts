import { GatewayError, messageOf } from '../errors.ts';
import { displayUrl } from '../observability/redact.ts';
import type { Signal } from '../runtime/abort.ts';
import { settledOrAborted, sleep } from '../runtime/deadlines.ts';
import { GatewayEndpoint, type GatewayPlace } from './gateway-endpoint.ts';
import { Presence } from './presence.ts';
import type { BridgeTimes } from './times.ts';

/**
 * Finds the gateway, and may start one. Rejects with a `GatewayError` whose message says what was found and what to do; `usage` and
 * `config_invalid` mean that waiting does not help.
 */
export type FindGateway = (signal: Signal, wish: GatewayWish) => Promise<GatewayPlace>;

interface GatewayWish {
  /** Whether there was a gateway, which may come back by itself. */
  readonly isLost: boolean;
  /** Whether a message waits for it, so that one may be started: whoever has stopped the gateway does not want it back for nothing. */
  readonly isUrgent: boolean;
}

/** Writes a line about the bridge itself, for people. */
export type BridgeLog = (message: string) => void;

interface LinkParts {
  readonly find: FindGateway;
  readonly log: BridgeLog;
  readonly times: BridgeTimes;
  readonly closing: Signal;
}

/** The backoff between searches for the gateway. */
const backoffMs = { first: 50, max: 2_000 };

/** The gateway: found, lost, and found again. */
export class GatewayLink {
  readonly #parts: LinkParts;
  #endpoint: GatewayEndpoint | null = null;
  /** The current one, and lost ones from which answers may still come. */
  readonly #watched = new Set<GatewayEndpoint>();
  #presence: Presence | null = null;
  #finding: Promise<GatewayEndpoint> | null = null;
  /** Searches and connections that failed in a row. */
  #failures = 0;
  #problem: unknown = null;
  #hasBeenFound = false;
  /** Until when messages wait for the gateway, by performance.now(). */
  #urgentUntilMs = 0;
  /** Whether the gateway that is found next is another start of it, as far as is known. */
  #isRestarted = false;
  #lastInstance = '';
  /** How often the gateway was found as another process than before, as far as is known. */
  restarts = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    void this.#watch();
  }

  /**
   * The gateway, which is waited for until `endMs`, by performance.now(). Rejects with the reason of the signal, or a
   * {@link GatewayError} that says why there is none.
   * @param isUrgent whether a message waits for it
   */
  async endpoint(signal: Signal, endMs: number, isUrgent = true): Promise<GatewayEndpoint> {
    if (isUrgent) this.#urgentUntilMs = Math.max(this.#urgentUntilMs, endMs);
    for (;;) {
      if (signal.aborted) throw signal.reason;
      if (this.#endpoint) return this.#endpoint;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) break;
      const finding = this.#find();
      await settledOrAborted(finding, signal, leftMs);
      // It may have failed for good. One that was found may be lost already.
      await Promise.race([finding, Promise.resolve()]);
    }
    throw new GatewayError('unavailable', messageOf(this.#problem ?? 'no gateway was found in time'));
  }

  /** Something came from this endpoint. */
  works(endpoint: GatewayEndpoint): void {
    endpoint.heard();
    this.#failures = 0;
  }

  /** The gateway of this endpoint is gone. @param isRefused nothing listens there, so that it will be another process */
  lost(endpoint: GatewayEndpoint, error: unknown, isRefused: boolean): void {
    if (isRefused) this.#isRestarted = true;
    if (this.#endpoint !== endpoint) return;
    this.#endpoint = null;
    this.#failures++;
    this.#problem = error;
    endpoint.close();
    this.#presence?.close();
    this.#presence = null;
    if (this.#failures === 1 && !this.#parts.closing.aborted)
      this.#parts.log(`the gateway is lost: ${messageOf(error)}`);
  }

  close(): void {
    this.#presence?.close();
    this.#endpoint?.close();
  }

  /** Searches until a gateway is found, or there cannot be one. One search runs at a time. */
  #find(): Promise<GatewayEndpoint> {
    if (this.#finding === null) {
      const finding = this.#search().finally(() => {
        this.#finding = null;
      });
      finding.catch(() => {});
      this.#finding = finding;
    }
    return this.#finding;
  }

  async #search(): Promise<GatewayEndpoint> {
    const { find, closing } = this.#parts;
    for (;;) {
      if (this.#failures > 0) {
        const pauseMs = Math.min(backoffMs.first * 2 ** (this.#failures - 1), backoffMs.max);
        if (!(await sleep(pauseMs, closing))) throw closing.reason;
      }
      try {
        const isUrgent = performance.now() < this.#urgentUntilMs;
        return this.#found(await find(closing, { isLost: this.#hasBeenFound, isUrgent }));
      } catch (error) {
        this.#problem = error;
        this.#failures++;
        if (closing.aborted || isFinal(error)) throw error;
        if (this.#failures <= 2) this.#parts.log(messageOf(error));
      }
    }
  }

  #found(place: GatewayPlace): GatewayEndpoint {
    const endpoint = new GatewayEndpoint(place);
    this.#endpoint = endpoint;
    this.#watched.add(endpoint);
    if (place.presenceUrl !== null) {
      this.#presence = new Presence(endpoint, place.presenceUrl, (error) =>
        this.lost(endpoint, error, false),
      );
      this.#presence.open();
    }
    const isOther = this.#isRestarted || place.instance !== this.#lastInstance;
    if (this.#hasBeenFound && isOther) this.restarts++;
    this.#hasBeenFound = true;
    this.#isRestarted = false;
    this.#lastInstance = place.instance;
    return endpoint;
  }

  /** Gives up a gateway that takes connections and then says nothing: a frozen process, or another program. */
  async #watch(): Promise<void> {
    const { times, closing } = this.#parts;
    while (await sleep(times.watchMs, closing)) {
      for (const endpoint of this.#watched) await this.#check(endpoint, times);
    }
  }

  async #check(endpoint: GatewayEndpoint, { silenceMs, probeMs }: BridgeTimes): Promise<void> {
    if (!endpoint.isUsed && endpoint !== this.#endpoint) this.#watched.delete(endpoint);
    if (!endpoint.isUsed || performance.now() - endpoint.heardMs < silenceMs) return;
    if (await endpoint.isAlive(probeMs)) return;
    const seconds = Math.round((performance.now() - endpoint.heardMs) / 1000);
    const reason = new GatewayError(
      'unavailable',
      `the gateway at ${displayUrl(endpoint.place.url)} takes connections, but has said nothing for ${seconds} s`,
    );
    this.lost(endpoint, reason, false);
    endpoint.giveUp(reason);
  }
}

/** Whether an error says that waiting does not help. */
export function isFinal(error: unknown): boolean {
  return error instanceof GatewayError && (error.kind === 'usage' || error.kind === 'config_invalid');
}
