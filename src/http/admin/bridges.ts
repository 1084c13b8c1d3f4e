import type { EventStream } from '../../downstream/event-stream.ts';
import { type Deadline, deadlines as processDeadlines } from '../../runtime/deadlines.ts';
import { AdminStreams } from './admin-streams.ts';

/** Nobody runs as many. */
const maxBridges = 1_000;

/**
 * The bridges (`mcpstead stdio`) that use this gateway. Each holds a stream open, which the system closes when the process of the bridge
 * ends, however that happens.
 */
export class Bridges {
  readonly #streams = new AdminStreams(maxBridges);
  readonly #deadlines;
  #count = 0;
  #unused: Deadline | null = null;
  #onOpened: (() => void) | null = null;
  #onAllClosed: (() => void) | null = null;

  constructor(deadlines = processDeadlines) {
    this.#deadlines = deadlines;
  }

  /** Opens the stream of a bridge; null: there are too many, or the gateway stops. */
  open(): EventStream | null {
    const stream = this.#streams.open(() => {
      this.#count--;
      if (this.#count === 0) this.#onAllClosed?.();
    });
    if (stream === null) return null;
    this.#count++;
    this.#onOpened?.();
    return stream;
  }

  /** Resolves when there has been no bridge for `afterMs` in a row, from now on. */
  unused(afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onAllClosed = () => {
        this.#unused = this.#deadlines.add(afterMs, resolve);
      };
      this.#onOpened = () => this.#unused?.clear();
      if (this.#count === 0) this.#onAllClosed();
    });
  }

  /** Ends all streams. */
  close(): void {
    this.#onAllClosed = null;
    this.#unused?.clear();
    this.#streams.close();
  }
}
