import type { ServerConfig } from '../config/schema.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';

/** How long no other check follows one that passed, at first and at most, in milliseconds. */
const minPauseMs = 1_000;
const maxPauseMs = 60_000;

/** A check may take as long as a call, but at least this long, in milliseconds. */
const minTimeoutMs = 1_000;

/** How long a check may take: calls that failed wait for it. */
export function checkTimeoutMs({ connect_seconds, request_seconds }: ServerConfig['timeouts']): number {
  return Math.min(connect_seconds * 1000, Math.max(minTimeoutMs, request_seconds * 1000));
}

interface SessionCheckParts {
  /** Asks the upstream for something that no tool has a hand in. Rejects where it does not answer well. */
  readonly ask: () => Promise<void>;
  readonly onPassed: () => void;
  /** The session is of no use any more. `suspicion` is the failure that had it checked. */
  readonly onFailed: (failure: UpstreamFailure, suspicion: UpstreamFailure) => void;
  /** The time, in milliseconds from any moment on. */
  readonly nowMs?: () => number;
}

/**
 * Finds out whether a session in which something failed is one still. What fails meanwhile shares the check that runs.
 * One that passed is followed by a pause, at whose end the session is checked again if anything failed meanwhile: a
 * tool that always fails must not have the session checked all the time. The pause grows while that goes on with one
 * and the same failure, for which the last check found the session not guilty.
 */
export class SessionCheck {
  readonly #parts: SessionCheckParts;
  readonly #nowMs: () => number;
  #running: Promise<boolean> | null = null;
  #timer: Timer | null = null;
  #passedMs = Number.NEGATIVE_INFINITY;
  #pauseMs = minPauseMs;
  /** What the failure said whose check passed last. */
  #refuted = '';

  constructor(parts: SessionCheckParts) {
    this.#parts = parts;
    this.#nowMs = parts.nowMs ?? (() => performance.now());
  }

  /** Something failed in the session: resolves to whether the session has failed its check, too. Does not reject. */
  suspect(suspicion: UpstreamFailure): Promise<boolean> {
    if (this.#running) return this.#running;
    const sinceMs = this.#nowMs() - this.#passedMs;
    const repeated = wordsOf(suspicion) === this.#refuted && sinceMs <= 2 * this.#pauseMs;
    if (!repeated) this.#pauseMs = minPauseMs;
    if (sinceMs >= this.#pauseMs) return this.#run(suspicion, repeated);
    this.end();
    this.#timer = setTimeout(() => void this.#run(suspicion, repeated), this.#pauseMs - sinceMs);
    return Promise.resolve(false);
  }

  /** Checks no more: another session has taken its place. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #run(suspicion: UpstreamFailure, repeated: boolean): Promise<boolean> {
    this.end();
    this.#running = this.#check(suspicion, repeated).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #check(suspicion: UpstreamFailure, repeated: boolean): Promise<boolean> {
    try {
      await this.#parts.ask();
    } catch (error) {
      const failure = toFailure(error);
      // It was not even asked.
      if (failure.saysNothing) return false;
      this.#parts.onFailed(failure, suspicion);
      return true;
    }
    this.#passedMs = this.#nowMs();
    this.#pauseMs = repeated ? Math.min(2 * this.#pauseMs, maxPauseMs) : minPauseMs;
    this.#refuted = wordsOf(suspicion);
    this.#parts.onPassed();
    return false;
  }
}

function wordsOf({ kind, message }: UpstreamFailure): string {
  return `${kind} ${message}`;
}
