import type { ServerConfig } from '../config/schema.ts';
import { backoffMs } from './backoff.ts';
import type { UpstreamFailure } from './failure.ts';
import type { UpstreamSession } from './session.ts';

/** A process that ends sooner is started again after growing waits, however many calls it has answered. */
const minProcessMs = 60_000;

type Settings = ServerConfig['reconnect'];

/** Decides when to connect again, from the failures and losses so far. */
export class ReconnectPolicy {
  /** Attempts in a row that failed. */
  #failures = 0;
  /** Sessions in a row that were lost before they were of any use. */
  #uselessSessions = 0;

  get hasFailed(): boolean {
    return this.#failures > 0;
  }

  /** Forgets failed attempts: one succeeded, or they start again. */
  reset(): void {
    this.#failures = 0;
  }

  /** The wait after an attempt that failed, in milliseconds; null: no attempt is left. */
  afterFailure(failure: UpstreamFailure, settings: Settings): number | null {
    // What the gateway lacks says nothing about the upstream.
    if (!failure.isOwnLack) this.#failures++;
    const { max_attempts, backoff_max_ms } = settings;
    if (max_attempts > 0 && this.#failures >= max_attempts) return null;
    const isSettled = ['auth', 'loop', 'unstartable'].includes(failure.kind);
    return isSettled ? backoff_max_ms : backoffMs(this.#failures, settings);
  }

  /**
   * The wait after the loss of a session that lasted `lastedMs`, in milliseconds; null: none. A useless session is replaced at
   * once only if the one before it was useful.
   */
  afterLoss(
    session: UpstreamSession,
    lastedMs: number,
    { kind }: UpstreamFailure,
    { reconnect: settings, command }: Pick<ServerConfig, 'reconnect' | 'command'>,
  ): number | null {
    const isProcess = command !== undefined;
    const hasLasted = lastedMs > (isProcess ? minProcessMs : settings.backoff_base_ms);
    const isUseful = hasLasted || (session.hasServed && !isProcess);
    this.#uselessSessions = isUseful ? 0 : this.#uselessSessions + 1;
    const isGone = session.closedBy !== null || kind === 'refused';
    const isAtOnce = hasLasted || (!isGone && this.#uselessSessions <= 1);
    return isAtOnce ? null : backoffMs(this.#uselessSessions, settings);
  }
}
