import type { Signal } from '../runtime/abort.ts';
import { settledOrAborted } from '../runtime/deadlines.ts';
import { connect } from './connect.ts';
import { cancelled, toFailure, UpstreamFailure } from './failure.ts';
import { Keeper, type KeeperContext } from './keeper.ts';
import { isRefusal } from './requests/own-requests.ts';
import type { SessionClient, UpstreamSession } from './session.ts';

/** The shortest time between two attempts to open the session. */
const minAttemptIntervalMs = 1_000;

export interface OnDemandParts {
  readonly context: KeeperContext;
  /** Waits until the upstream can be reached, and its era is known. Rejects with an {@link UpstreamFailure}. */
  reachable(signal: Signal): Promise<unknown>;
  /** Whether the session should be a legacy one, once the upstream can be reached; else its era is configured or detected. */
  isLegacyWanted(): boolean;
  /** How long the opening of that one may take, at most `connect_seconds`: another session would do. */
  readonly maxLegacyMs: number;
  /** The server opens no legacy session. Returns whether one of the configured or detected era will do. */
  onLegacyRefused(): boolean;
}

/**
 * Keeps a session that is opened by the first call that needs it, and after a loss by the next one. It has neither lists nor
 * timers, so that there can be many: the upstream's other keeper has the lists, and reconnects.
 */
export class OnDemandKeeper extends Keeper {
  readonly client: SessionClient | null;
  readonly #parts: OnDemandParts;
  /** The attempt that calls wait for. */
  #attempt: Promise<void> | null = null;
  #attemptMs = Number.NEGATIVE_INFINITY;
  #failure: UpstreamFailure | null = null;

  constructor(parts: OnDemandParts, client: SessionClient | null) {
    super(parts.context);
    this.#parts = parts;
    this.client = client;
  }

  /** Whether calls run in the session, or wait for it. */
  get isBusy(): boolean {
    return this.session === null ? this.#attempt !== null : this.session.isBusy;
  }

  async usableSession(signal: Signal): Promise<UpstreamSession> {
    const { deadlines } = this.context;
    const isEarly = deadlines.clock.nowMs() - this.#attemptMs < minAttemptIntervalMs;
    if (this.closing.aborted) throw removed();
    if (this.session === null && !(this.#failure && isEarly))
      this.#attempt ??= this.#open().finally(() => (this.#attempt = null));
    if (this.#attempt) await settledOrAborted(this.#attempt, signal, this.requestTimeoutMs, deadlines);
    if (signal.aborted) throw cancelled();
    if (this.session) return this.session;
    if (this.closing.aborted) throw removed();
    throw this.#failure ?? new UpstreamFailure('timeout', 'did not open a session for the client in time');
  }

  protected onLost(): void {
    // The next call opens another one.
    this.#failure = null;
  }

  /** Does not reject. */
  async #open(): Promise<void> {
    const { context, reachable } = this.#parts;
    this.#failure = null;
    try {
      await reachable(this.closing);
      this.use(await this.#connect());
    } catch (error) {
      this.#failure = this.closing.aborted ? removed() : toFailure(error);
      this.#attemptMs = context.deadlines.clock.nowMs();
    }
  }

  async #connect(): Promise<UpstreamSession> {
    const parts = { ...this.context, events: this, closing: this.closing };
    if (!this.#parts.isLegacyWanted()) return connect(parts);
    const connectMs = this.context.config().timeouts.connect_seconds * 1000;
    const openMs = Math.min(connectMs, this.#parts.maxLegacyMs);
    try {
      return await connect({ ...parts, era: 'legacy', openMs });
    } catch (error) {
      // A server that does not answer `initialize` at all would keep each call waiting.
      if (!isRefusal(error, 'timeout') || !this.#parts.onLegacyRefused()) throw error;
      return connect(parts);
    }
  }
}

function removed(): UpstreamFailure {
  return new UpstreamFailure('refused', 'was removed, or the session of the client has ended');
}
