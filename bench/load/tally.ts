// Counts and latencies of the requests of one phase.

/** The outcome of one phase, by the intended start of its requests. */
export interface PhaseResult {
  readonly answered: number;
  /** Clean errors: the gateway refused the request. */
  readonly shed: number;
  /** All other failures. */
  readonly broken: number;
  /** Requests that found no free connection for `giveUpMs`. */
  readonly unsent: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** The period of one figure of `windowsP99Ms`. */
export const windowMs = 250;

/** Latencies and failures of one phase. */
export class Tally {
  readonly latenciesMs: number[] = [];
  /** The intended start of each answered request, relative to the phase's start. */
  readonly startsMs: number[] = [];
  beganMs = 0;
  shed = 0;
  broken = 0;
  unsent = 0;

  result(seconds: number): PhaseResult {
    const sorted = Float64Array.from(this.latenciesMs).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      answered: sorted.length,
      shed: this.shed,
      broken: this.broken,
      unsent: this.unsent,
      seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      p999Ms: at(0.999),
      maxMs: sorted.at(-1) ?? 0,
    };
  }

  windowsP99Ms(): number[] {
    const windows: number[][] = [];
    this.startsMs.forEach((startMs, index) => {
      const window = Math.floor(startMs / windowMs);
      windows[window] ??= [];
      windows[window].push(this.latenciesMs[index] as number);
    });
    return Array.from(windows, (window) => {
      const sorted = (window ?? []).toSorted((a, b) => a - b);
      return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    });
  }
}
