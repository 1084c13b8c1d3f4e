/** The waits of a bridge, in milliseconds. Tests shorten them. */
export interface BridgeTimes {
  /** How long a message waits for a gateway. */
  readonly reachMs: number;
  /** How often to look whether the gateway still says something, how long its silence may last, and how long it may take then. */
  readonly watchMs: number;
  readonly silenceMs: number;
  readonly probeMs: number;
  /** How long a request of the bridge itself may take. */
  readonly ownRequestMs: number;
  /** How long the end of the session may take. */
  readonly endMs: number;
}

export const usualTimes: BridgeTimes = {
  reachMs: 30_000,
  watchMs: 5_000,
  // Keep-alive comments come every 15 s.
  silenceMs: 30_000,
  probeMs: 10_000,
  ownRequestMs: 30_000,
  endMs: 1_000,
};
