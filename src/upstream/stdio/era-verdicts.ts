import { type Era, eras } from '../../protocol/versions.ts';
import type { LastingMap } from '../../state/lasting-map.ts';

/** How long a verdict counts: the server may be upgraded. */
const maxAgeSeconds = 24 * 3_600;

/**
 * The eras that servers on stdio were found to speak, by their commands, where to ask again would cost another process: a legacy
 * server that exits when it is asked, or a modern one that may be slow to answer, and is sent `initialize` then.
 */
export class EraVerdicts {
  readonly #verdicts: LastingMap;

  constructor(verdicts: LastingMap) {
    this.#verdicts = verdicts;
  }

  get(command: string): Era | undefined {
    const { value, forgetAtSeconds = 0 } = this.#verdicts.get(command) ?? {};
    const leftSeconds = forgetAtSeconds - Date.now() / 1000;
    // The clock may have been set back.
    const counts = leftSeconds > 0 && leftSeconds <= maxAgeSeconds;
    return counts ? eras.find((era) => era === value) : undefined;
  }

  set(command: string, era: Era): void {
    const forgetAtSeconds = Math.floor(Date.now() / 1000) + maxAgeSeconds;
    this.#verdicts.set(command, { value: era, forgetAtSeconds });
  }

  forget(command: string): void {
    this.#verdicts.delete(command);
  }
}
