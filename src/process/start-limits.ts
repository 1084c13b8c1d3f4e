import type { Signal } from '../runtime/abort.ts';

/** How many processes of one command may be starting at the same time, once it has succeeded. */
const maxStarting = 4;
/** The most commands that are remembered as successful. */
const maxRemembered = 10_000;

/** The starts of one command. */
interface Starts {
  running: number;
  hasSucceeded: boolean;
  /** Those that wait for their turn, in order. */
  readonly waiting: PromiseWithResolvers<void>[];
}

/**
 * Limits how many processes of one command start at the same time: one before its first success, because package runners that
 * download the same package twice at once damage their cache, and a few later. Waits end with the signal of the one who waits.
 */
export class StartLimits {
  readonly #starts = new Map<string, Starts>();

  /**
   * Waits for the turn of a start.
   * @param key the same for starts that must not come together
   * @returns a function to be called once the process has started, or failed to
   */
  async enter(key: string, signal: Signal): Promise<(succeeded: boolean) => void> {
    if (signal.aborted) throw signal.reason;
    const starts = this.#startsOf(key);
    if (starts.running < limitOf(starts)) starts.running++;
    else await turn(starts, signal);
    let isOver = false;
    const leave = (succeeded: boolean) => {
      if (isOver) return;
      isOver = true;
      starts.running--;
      starts.hasSucceeded ||= succeeded;
      this.#passOn(key, starts);
    };
    if (!signal.aborted) return leave;
    leave(false);
    throw signal.reason;
  }

  #startsOf(key: string): Starts {
    let starts = this.#starts.get(key);
    if (starts === undefined) {
      starts = { running: 0, hasSucceeded: false, waiting: [] };
      this.#starts.set(key, starts);
      this.#forgetOldest();
    }
    return starts;
  }

  /** Counts those whose turn it is at once, before others come. */
  #passOn(key: string, starts: Starts): void {
    const free = limitOf(starts) - starts.running;
    for (const next of starts.waiting.splice(0, Math.max(0, free))) {
      starts.running++;
      next.resolve();
    }
    if (starts.running === 0 && !starts.hasSucceeded) this.#starts.delete(key);
  }

  #forgetOldest(): void {
    if (this.#starts.size <= maxRemembered) return;
    for (const [key, { running, waiting }] of this.#starts) {
      if (running > 0 || waiting.length > 0) continue;
      this.#starts.delete(key);
      return;
    }
  }
}

function limitOf({ hasSucceeded }: Starts): number {
  return hasSucceeded ? maxStarting : 1;
}

/** Waits for a turn, which is counted when it comes. Rejects with the reason of the signal if it does not. */
async function turn({ waiting }: Starts, signal: Signal): Promise<void> {
  const own = Promise.withResolvers<void>();
  const giveUp = () => {
    const at = waiting.indexOf(own);
    if (at >= 0) waiting.splice(at, 1);
    // Nothing happens if its turn has come.
    own.reject(signal.reason);
  };
  waiting.push(own);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await own.promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** The limits of the process. */
export const startLimits = new StartLimits();

/** Programs that download what they run. */
const runners = /^(?:npx|bunx|pnpx|uvx|pipx)(?:\.cmd|\.exe)?$/i;

/**
 * The key of a command for {@link StartLimits}: the command and its arguments, or, for a program that downloads what it runs, the
 * package that it names, whatever arguments follow.
 */
export function startKey(command: string, args: readonly string[]): string {
  const base = command.replace(/^.*[/\\]/, '');
  const firstWord = args.findIndex((arg) => !arg.startsWith('-'));
  const counted = runners.test(base) && firstWord >= 0 ? args.slice(0, firstWord + 1) : args;
  return JSON.stringify([base, ...counted]);
}
