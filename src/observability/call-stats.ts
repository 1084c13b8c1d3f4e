/** The calls whose durations are kept. */
const maxDurations = 256;
const secondsInMinute = 60;

/** What the calls of a server come to. */
interface CallSummary {
  readonly calls: number;
  readonly errors: number;
  /** The calls that ended in the last minute. */
  readonly callsPerMinute: number;
  /** The duration that 95 % of the last 256 calls did not exceed, in milliseconds; null: there was no call. */
  readonly p95Ms: number | null;
}

/** Counts the calls of a server, failed ones included. Nothing is allocated for a call. */
export class CallStats {
  #calls = 0;
  #errors = 0;
  readonly #durationsMs = new Float32Array(maxDurations);
  /** The calls that ended in each of the last sixty seconds, by the second modulo sixty. */
  readonly #ends = new Uint32Array(secondsInMinute);
  /** The second up to which {@link #ends} holds. */
  #second = 0;

  /** @param endMs when the call ended, by `performance.now()` */
  add(endMs: number, durationMs: number, isError: boolean): void {
    this.#durationsMs[this.#calls % maxDurations] = durationMs;
    this.#calls++;
    if (isError) this.#errors++;
    const second = Math.floor(endMs / 1000);
    if (second !== this.#second) this.#advance(second);
    this.#ends[second % secondsInMinute]! += 1;
  }

  summary(nowMs = performance.now()): CallSummary {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#advance(second);
    const kept = this.#durationsMs.slice(0, Math.min(this.#calls, maxDurations)).sort();
    const rank = Math.ceil(kept.length * 0.95) - 1;
    return {
      calls: this.#calls,
      errors: this.#errors,
      callsPerMinute: this.#ends.reduce((sum, count) => sum + count, 0),
      p95Ms: kept.length === 0 ? null : Math.round(kept[rank]! * 10) / 10,
    };
  }

  #advance(second: number): void {
    const passed = Math.min(second - this.#second, secondsInMinute);
    for (let n = 0; n < passed; n++) this.#ends[(second - n) % secondsInMinute] = 0;
    this.#second = second;
  }
}
