import type { ServerConfig } from '../config/schema.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Clock } from '../runtime/deadlines.ts';
import type { Denials } from './denials.ts';
import type { UpstreamFailure } from './failure.ts';
import type { UpstreamSession } from './session.ts';
import { checkTimeoutMs, SessionCheck } from './session-check.ts';

interface LiveSessionParts {
  readonly config: () => ServerConfig;
  readonly metrics: UpstreamMetrics;
  readonly denials: Denials;
  /** Aborted when the session keeper is closed. */
  readonly closing: Signal;
  readonly clock: Clock;
  /** The session is lost. `suspicion` is the failure that had it checked. */
  onLost(session: UpstreamSession, failure: UpstreamFailure, suspicion: UpstreamFailure): void;
}

/** The session in use, which is checked after any failure in it. */
export class LiveSession {
  readonly session: UpstreamSession;
  readonly #parts: LiveSessionParts;
  readonly #check: SessionCheck;
  readonly #startMs: number;
  #hasEnded = false;

  constructor(session: UpstreamSession, parts: LiveSessionParts) {
    const { config, metrics, closing, clock } = parts;
    this.session = session;
    this.#parts = parts;
    this.#startMs = clock.nowMs();
    this.#check = new SessionCheck({
      ask: () => session.check(checkTimeoutMs(config()), closing),
      // A process answers nothing while it works, if it has one thread, and its calls would end with it.
      isInconclusive: () => config().command !== undefined && session.closedBy === null && session.isBusy,
      onPassed: () => metrics.healthChecked(true),
      onFailed: (failure, suspicion) => {
        metrics.healthChecked(false);
        parts.onLost(session, failure, suspicion);
      },
      clock,
    });
  }

  get lastedMs(): number {
    return this.#parts.clock.nowMs() - this.#startMs;
  }

  /**
   * Resolves to whether the session is lost, once that is known. Does not reject. The session is asked whatever the failure is:
   * no list of codes and words holds all that servers say of a lost session.
   */
  judge(failure: UpstreamFailure): Promise<boolean> {
    const verdict = this.#check.suspect(failure);
    return failure.loss === undefined ? verdict : verdict.then((isLost) => isLost || this.#isDenied(failure));
  }

  /** Ends the checks: the session is no longer in use. */
  end(): void {
    this.#hasEnded = true;
    this.#check.end();
  }

  /**
   * A failure says that the upstream does not know the session, which passed its check. False even if that is believed, because
   * the call may have been executed.
   */
  #isDenied(failure: UpstreamFailure): boolean {
    const { denials, onLost } = this.#parts;
    if (!this.#hasEnded && denials.believed(this.session)) onLost(this.session, failure, failure);
    return false;
  }
}
