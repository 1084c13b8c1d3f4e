import type { ServerConfig } from '../config/schema.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';

/** The pause after a check that passed: at first and at most. */
const minPauseMs = 1_000;
const maxPauseMs = 60_000;

/** A check may take as long as a call, but at least this long. */
const minTimeoutMs = 1_000;

/** The same for a process, which has a long `connect_seconds` for its start only. */
const maxProcessTimeoutMs = 10_000;
/** When a check that failed while calls ran is repeated. */
const repeatMs = 2_000;

/** How long a check may take. Calls that failed wait for it. */
export function checkTimeoutMs({ command, timeouts }: Pick<ServerConfig, 'command' | 'timeouts'>): number {
  const connectMs = timeouts.connect_seconds * 1000;
  const maxMs = command === undefined ? connectMs : Math.min(connectMs, maxProcessTimeoutMs);
  return Math.min(maxMs, Math.max(minTimeoutMs, timeouts.request_seconds * 1000));
}

interface SessionCheckParts {
  /** Asks the upstream for something that no tool is involved in. Rejects unless it answers well. */
  readonly ask: () => Promise<void>;
  readonly onPassed: () => void;
  /** Whether a check that fails now says nothing, so that it is repeated later. */
  readonly isInconclusive?: () => boolean;
  /** The session is lost. `suspicion` is the failure that had it checked. */
  readonly onFailed: (failure: UpstreamFailure, suspicion: UpstreamFailure) => void;
  readonly clock?: Clock;
}

/**
 * Checks whether a session in which something failed still lives. Failures during a check share its result. A check that
 * passed is followed by a pause, at whose end the session is checked again if anything failed meanwhile, so that a tool that
 * always fails does not cause a check each time. The pause grows while the same failure repeats.
 */
export class SessionCheck {
  readonly #parts: SessionCheckParts;
  readonly #clock: Clock;
  #running: Promise<boolean> | null = null;
  #cancelTimer: (() => void) | null = null;
  #passedMs = Number.NEGATIVE_INFINITY;
  #pauseMs = minPauseMs;
  /** The words of the failure before the last check that passed. */
  #refuted = '';

  constructor(parts: SessionCheckParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? deadlines.clock;
  }

  /** Something failed in the session. Resolves to whether the session fails its check, too. Does not reject. */
  suspect(suspicion: UpstreamFailure): Promise<boolean> {
    if (this.#running) return this.#running;
    const sinceMs = this.#clock.nowMs() - this.#passedMs;
    const isRepeated = wordsOf(suspicion) === this.#refuted && sinceMs <= 2 * this.#pauseMs;
    if (!isRepeated) this.#pauseMs = minPauseMs;
    if (sinceMs >= this.#pauseMs) return this.#run(suspicion, isRepeated);
    this.end();
    this.#cancelTimer = this.#clock.startTimer(
      () => void this.#run(suspicion, isRepeated),
      this.#pauseMs - sinceMs,
    );
    return Promise.resolve(false);
  }

  /** Ends the checks: the session is no longer in use. */
  end(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #run(suspicion: UpstreamFailure, isRepeated: boolean): Promise<boolean> {
    this.end();
    this.#running = this.#check(suspicion, isRepeated).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #check(suspicion: UpstreamFailure, isRepeated: boolean): Promise<boolean> {
    try {
      await this.#parts.ask();
    } catch (error) {
      const failure = toFailure(error);
      // The check could not be made.
      if (failure.saysNothing) return false;
      if (this.#parts.isInconclusive?.()) {
        this.#cancelTimer = this.#clock.startTimer(() => void this.#run(suspicion, isRepeated), repeatMs);
        return false;
      }
      this.#parts.onFailed(failure, suspicion);
      return true;
    }
    this.#passedMs = this.#clock.nowMs();
    this.#pauseMs = isRepeated ? Math.min(2 * this.#pauseMs, maxPauseMs) : minPauseMs;
    this.#refuted = wordsOf(suspicion);
    this.#parts.onPassed();
    return false;
  }
}

function wordsOf({ kind, message }: UpstreamFailure): string {
  return `${kind} ${message}`;
}
