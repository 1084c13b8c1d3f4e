/**
 * How long after the first SIGINT or SIGTERM another one is the same, delivered twice: timeout(1) signals its child and
 * its process group, and npm and shells pass on what the terminal has sent to all.
 */
const sameSignalMs = 500;

/** The signals that this process got, from the moment that `watchSignals` was called. */
export interface SignalWatch {
  /** Resolves to the first SIGINT or SIGTERM. */
  readonly stop: Promise<NodeJS.Signals>;
  /** Resolves to the next one after half a second: whoever sends it does not want to wait. */
  readonly secondStop: Promise<NodeJS.Signals>;
  /** Calls `handler` at each SIGHUP; at once if one came before. */
  onHangup(handler: () => void): void;
}

/** Takes over SIGINT, SIGTERM and SIGHUP: from now on none of them ends the process by itself. */
export function watchSignals(): SignalWatch {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let firstMs = Number.POSITIVE_INFINITY;
  const onStop = (signal: NodeJS.Signals) => {
    const nowMs = performance.now();
    if (firstMs > nowMs) {
      firstMs = nowMs;
      first.resolve(signal);
    } else if (nowMs - firstMs >= sameSignalMs) second.resolve(signal);
  };
  process.on('SIGINT', onStop).on('SIGTERM', onStop);

  let hungUp = false;
  let handler = () => {
    hungUp = true;
  };
  process.on('SIGHUP', () => handler());

  return {
    stop: first.promise,
    secondStop: second.promise,
    onHangup(next) {
      handler = next;
      if (hungUp) next();
    },
  };
}
