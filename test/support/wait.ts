/**
 * Asks `probe` every few milliseconds until it returns something truthy, and returns that.
 * An error that `probe` throws counts as "not yet". Fails after `timeoutMs`, naming `what` was awaited.
 */
export async function waitUntil<T>(what: string, probe: () => T | Promise<T>, timeoutMs = 10_000) {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
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
    await Bun.sleep(10);
  }
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

/** A TCP port of the loopback interface that nothing listens on at this moment. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
