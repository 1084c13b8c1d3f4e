/** The bounds of the waits between attempts to connect, in milliseconds. */
interface BackoffBounds {
  readonly backoff_base_ms: number;
  readonly backoff_max_ms: number;
}

/**
 * How long to wait after so many failures in a row, in milliseconds: exponential with jitter. Each wait is drawn
 * between the last bound and the next, and lies within base and max.
 *
 * @param random at least 0, less than 1
 */
export function backoffMs(failures: number, bounds: BackoffBounds, random = Math.random()): number {
  const { backoff_base_ms: base, backoff_max_ms: max } = bounds;
  const high = Math.min(max, base * 2 ** Math.min(Math.max(1, failures), 30));
  const low = Math.min(high, Math.max(base, high / 2));
  return low + random * (high - low);
}
