/**
 * A SIGINT or SIGTERM this soon after the first one is the same signal, delivered twice: timeout(1) signals its child and
 * its process group, and npm and shells forward a signal that the terminal has sent to everyone.
 */
const duplicateMs = 500;

/** The signals since `watchSignals` was called. */
export interface SignalWatch {
  /** Resolves to the first SIGINT or SIGTERM. */
  readonly stop: Promise<NodeJS.Signals>;
  /** Resolves to the next one after half a second: the sender does not want to wait. */
  readonly secondStop: Promise<NodeJS.Signals>;
  /** Calls `handler` on each SIGHUP, and at once if one came before. */
  onHangup(handler: () => void): void;
}

/** Handles SIGINT, SIGTERM and SIGHUP, none of which ends the process any more. */
export function watchSignals(): SignalWatch {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let firstMs = Number.POSITIVE_INFINITY;
  const onStop = (signal: NodeJS.Signals) => {
    const nowMs = performance.now();
    if (firstMs > nowMs) {
      firstMs = nowMs;
      first.resolve(signal);
    } else if (nowMs - firstMs >= duplicateMs) second.resolve(signal);
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
