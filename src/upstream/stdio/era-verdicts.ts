import type { Era } from '../../protocol/versions.ts';
import { type Clock, deadlines } from '../../runtime/deadlines.ts';

/** How long a verdict counts: the server may be upgraded. */
const maxAgeMs = 24 * 3_600_000;
/** The most commands that are remembered. */
const maxVerdicts = 1_000;

/** The eras that servers on stdio were found to speak, by their commands, until the gateway ends. */
export class EraVerdicts {
  readonly #verdicts = new Map<string, { readonly era: Era; readonly atMs: number }>();
  readonly #clock: Pick<Clock, 'nowMs'>;

  constructor(clock: Pick<Clock, 'nowMs'> = deadlines.clock) {
    this.#clock = clock;
  }

  get(command: string): Era | undefined {
    const verdict = this.#verdicts.get(command);
    return verdict && this.#clock.nowMs() - verdict.atMs < maxAgeMs ? verdict.era : undefined;
  }

  set(command: string, era: Era): void {
    this.#verdicts.delete(command);
    this.#verdicts.set(command, { era, atMs: this.#clock.nowMs() });
    const [oldest] = this.#verdicts.keys();
    if (this.#verdicts.size > maxVerdicts && oldest !== undefined) this.#verdicts.delete(oldest);
  }

  forget(command: string): void {
    this.#verdicts.delete(command);
  }
}

/** The verdicts of the process. */
export const eraVerdicts = new EraVerdicts();
