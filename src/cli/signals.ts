/** The signals that this process got, from the moment that `watchSignals` was called. */
export interface SignalWatch {
  /** Resolves to the first SIGINT or SIGTERM. */
  readonly stop: Promise<NodeJS.Signals>;
  /** Resolves to the second one: whoever sends it does not want to wait. */
  readonly secondStop: Promise<NodeJS.Signals>;
  /** Calls `handler` at each SIGHUP; at once if one came before. */
  onHangup(handler: () => void): void;
}

/** Takes over SIGINT, SIGTERM and SIGHUP: from now on none of them ends the process by itself. */
export function watchSignals(): SignalWatch {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let stops = 0;
  const onStop = (signal: NodeJS.Signals) => {
    stops += 1;
    (stops === 1 ? first : second).resolve(signal);
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
