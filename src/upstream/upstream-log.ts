import type { Logger } from '../observability/log.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';

/** How often a lasting outage is logged again. */
const repeatMs = 600_000;
/** The most outages, and the most lost sessions, that are logged in that time. */
const maxLogged = 10;

/**
 * The log of an upstream. An outage is logged when it begins, every ten minutes while it lasts, and when it is over; all else
 * about it at level `debug`. An oddity is logged once.
 */
export class UpstreamLog {
  readonly #logger: Logger;
  readonly #server: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #outages: Allowance;
  readonly #renewals: Allowance;
  /** When the outage began; null: none. */
  #sinceMs: number | null = null;
  /** Attempts that failed in the outage. */
  #attempts = 0;
  #loggedMs = Number.NEGATIVE_INFINITY;
  /** Whether the end of the outage is logged. */
  #isEndLogged = true;
  /** The faults that were last logged, by the kind of the items. */
  readonly #itemFaults: Partial<Record<Kind, string | null>> = {};
  /** The oddities that were logged: a fixed number of texts. */
  readonly #oddities = new Set<string>();

  constructor(logger: Logger, server: string, clock: Pick<Clock, 'nowMs'> = deadlines.clock) {
    this.#logger = logger;
    this.#server = server;
    this.#clock = clock;
    this.#outages = new Allowance(clock);
    this.#renewals = new Allowance(clock);
  }

  /** The upstream has lost the session, and another one is opened: an outage only if that fails. */
  renewing(cause: string): void {
    this.#isEndLogged = this.#renewals.take();
    const level = this.#isEndLogged ? 'info' : 'debug';
    this.#logger[level]('upstream session lost; initializing anew', { server: this.#server, cause });
  }

  /** The connection was lost. */
  lost(cause: string): void {
    this.#logger[this.#begin() ? 'warn' : 'debug']('upstream lost', { server: this.#server, cause });
  }

  /** An attempt has failed; the next one starts in `retryMs`. */
  failed(cause: string, retryMs: number): void {
    const begins = this.#sinceMs === null;
    const isLogged = begins ? this.#begin() : this.#isDue();
    this.#attempts++;
    this.#logger[isLogged ? 'warn' : 'debug']('upstream not connected', {
      server: this.#server,
      cause,
      ...(!begins && this.#extent()),
      retry_seconds: Math.round(retryMs) / 1000,
    });
  }

  /** No attempt is left. */
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

  /** A session is open, which `fields` describe. */
  connected(fields: Record<string, unknown>): void {
    const level = this.#isEndLogged ? 'info' : 'debug';
    const extent = this.#sinceMs === null ? {} : this.#extent();
    this.#logger[level]('upstream connected', { server: this.#server, ...fields, ...extent });
    this.#over();
  }

  /** The list of items left something out; null: nothing. */
  itemFaults(kind: Kind, faults: string | null): void {
    if (faults !== null && faults !== this.#itemFaults[kind])
      this.#logger.warn(`part of the ${kinds[kind].noun} list cannot be used`, {
        server: this.#server,
        faults,
      });
    this.#itemFaults[kind] = faults;
  }

  oddity(what: string): void {
    if (this.#oddities.has(what)) return;
    this.#oddities.add(what);
    this.#logger.debug('the upstream does something odd, which is tolerated', {
      server: this.#server,
      what,
    });
  }

  /** Begins an outage. Returns whether it is logged. */
  #begin(): boolean {
    this.#sinceMs = this.#clock.nowMs();
    this.#isEndLogged = this.#outages.take();
    if (this.#isEndLogged) this.#loggedMs = this.#sinceMs;
    return this.#isEndLogged;
  }

  /** Whether the lasting outage is logged again. */
  #isDue(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#loggedMs < repeatMs) return false;
    this.#loggedMs = nowMs;
    this.#isEndLogged = true;
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
    this.#isEndLogged = true;
  }
}

/** A number of log lines for each period. */
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
    return this.#taken <= maxLogged;
  }
}
