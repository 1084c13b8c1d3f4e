/**
 * Calls `probe`, at first every millisecond and then every ten, until it returns something truthy, and returns that.
 * An error of `probe` counts as "not yet". Fails after `timeoutMs` with an error that names `what`.
 */
export async function waitUntil<T>(what: string, probe: () => T | Promise<T>, timeoutMs = 10_000) {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  let pauseMs = 1;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`not within ${timeoutMs} ms: ${what} (last seen: ${String(last)})`);
    }
    await Bun.sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 1.3, 10);
  }
}

/** Gives an effect that must not occur 100 ms to occur. */
export const settle = () => Bun.sleep(100);

/**
 * How long something takes, in milliseconds: the least of five attempts, as others use the processor, too. The first one below
 * `enoughMs` is the last.
 */
export async function leastMs(
  attempt: () => Promise<{ readonly ms: number } | undefined>,
  enoughMs: number,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 5 && least >= enoughMs; tries++)
    least = Math.min(least, (await attempt())?.ms ?? least);
  return least;
}

/** The outcome of `promise`, or an error that names `what` once `timeoutMs` have passed. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = 10_000): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Where systems do not look for a port when a program asks for any: what is free here stays free until the
 * test's own child process takes it, however many servers start meanwhile.
 */
const firstPort = 20_000;
const portCount = 12_000;
let next = Math.floor(Math.random() * portCount);

/** A free TCP port of the loopback interface, which this process returns only once. */
export function freePort(): number {
  for (let tries = 0; tries < 100; tries++) {
    const port = firstPort + (next++ % portCount);
    try {
      Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // In use: try the next one.
    }
  }
  throw new Error(`no free port among 100 from ${firstPort} on`);
}
