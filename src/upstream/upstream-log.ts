import type { Logger } from '../observability/log.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';

/** How often an outage that lasts is told again, in milliseconds. */
const repeatMs = 600_000;
/** How many outages, and how many lost sessions, are told in that time, should they come and go. */
const maxTold = 10;

/**
 * What the log is told of an upstream. That it cannot be used is told once when that begins, every ten minutes while it
 * lasts, and once when it is over; what is left out of that, at level `debug`. What it does oddly is told once.
 */
export class UpstreamLog {
  readonly #logger: Logger;
  readonly #server: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #outages: Allowance;
  readonly #renewals: Allowance;
  /** When the outage began; null: there is none. */
  #sinceMs: number | null = null;
  /** Attempts to connect that failed in it. */
  #attempts = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** Whether it is told that the upstream is connected. */
  #tellsEnd = true;

  /** What was passed over of the tool list, as it was last told. */
  #itemFaults: string | null = null;
  /** What was told of what it does oddly: a fixed number of texts at most. */
  readonly #oddities = new Set<string>();

  constructor(logger: Logger, server: string, clock: Pick<Clock, 'nowMs'> = deadlines.clock) {
    this.#logger = logger;
    this.#server = server;
    this.#clock = clock;
    this.#outages = new Allowance(clock);
    this.#renewals = new Allowance(clock);
  }

  /** The upstream has lost the session, and is asked for another one: no outage, unless that fails. */
  renewing(cause: string): void {
    this.#tellsEnd = this.#renewals.take();
    const level = this.#tellsEnd ? 'info' : 'debug';
    this.#logger[level]('upstream session lost; initializing anew', { server: this.#server, cause });
  }

  /** The connection was lost. */
  lost(cause: string): void {
    this.#logger[this.#begin() ? 'warn' : 'debug']('upstream lost', { server: this.#server, cause });
  }

  /** An attempt to connect has failed; the next one is due in `retryMs`. */
  failed(cause: string, retryMs: number): void {
    const begins = this.#sinceMs === null;
    const isTold = begins ? this.#begin() : this.#isDue();
    this.#attempts++;
    this.#logger[isTold ? 'warn' : 'debug']('upstream not connected', {
      server: this.#server,
      cause,
      ...(!begins && this.#extent()),
      retry_seconds: Math.round(retryMs) / 1000,
    });
  }

  /** No attempt follows any more. */
  givenUp(cause: string): void {
    this.#attempts++;
    const { attempts } = this.#extent();
    this.#logger.error('upstream given up; a reload or restart tries again', {
      server: this.#server,
      attempts,
      cause,
    });
    this.#over();
  }

  /** It is connected; `fields` tell how. */
  connected(fields: Record<string, unknown>): void {
    const level = this.#tellsEnd ? 'info' : 'debug';
    const extent = this.#sinceMs === null ? {} : this.#extent();
    this.#logger[level]('upstream connected', { server: this.#server, ...fields, ...extent });
    this.#over();
  }

  /** Not all of its tool list can be taken; null: all of it can. */
  itemFaults(faults: string | null): void {
    if (faults !== null && faults !== this.#itemFaults)
      this.#logger.warn('part of the tool list cannot be used', { server: this.#server, faults });
    this.#itemFaults = faults;
  }

  oddity(what: string): void {
    if (this.#oddities.has(what)) return;
    this.#oddities.add(what);
    this.#logger.debug('the upstream does something odd, which is tolerated', {
      server: this.#server,
      what,
    });
  }

  /** Whether the outage that begins is told. */
  #begin(): boolean {
    this.#sinceMs = this.#clock.nowMs();
    this.#tellsEnd = this.#outages.take();
    if (this.#tellsEnd) this.#toldMs = this.#sinceMs;
    return this.#tellsEnd;
  }

  /** Whether the outage that lasts is told again. */
  #isDue(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#toldMs < repeatMs) return false;
    this.#toldMs = nowMs;
    this.#tellsEnd = true;
    return true;
  }

  #extent(): { attempts: number; down_seconds: number } {
    const nowMs = this.#clock.nowMs();
    return {
      attempts: this.#attempts,
      down_seconds: Math.round((nowMs - (this.#sinceMs ?? nowMs)) / 100) / 10,
    };
  }

  #over(): void {
    this.#sinceMs = null;
    this.#attempts = 0;
    this.#tellsEnd = true;
  }
}

/** Allows so many in each period. */
class Allowance {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  take(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs >= repeatMs) {
      this.#sinceMs = nowMs;
      this.#taken = 0;
    }
    this.#taken++;
    return this.#taken <= maxTold;
  }
}
