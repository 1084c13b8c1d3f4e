/** What has come in and can be worked on. */
export interface Work {
  /** Throws nothing. */
  work(): void;
}

/** What is ready to be sent. */
export interface Outgoing {
  /** Sends it. Throws nothing. */
  send(): void;
}

/**
 * Does in one go, at the end of a turn of the event loop, what the turn brought: first the work, then the sending.
 * Code and memory that were just used are near at hand for the next of a kind. And each message wakes the process
 * that reads it, which is dear; those that follow at once find it awake, where one by one most would find it asleep
 * again.
 */
export class Turn {
  #works: Work[] = [];
  #outgoing: Outgoing[] = [];
  /** How many requests of clients are under way. */
  #requests = 0;
  #endAwaited = false;
  readonly #onEnd = () => this.#end();
  readonly #onFault: (error: unknown) => void;

  /** @param onFault takes what was thrown at the end of a turn, by what should throw nothing; the rest is done all the same */
  constructor(onFault = throwLater) {
    this.#onFault = onFault;
  }

  /** A client's request is under way. */
  began(): void {
    this.#requests++;
  }

  /** A client's request is over but for the sending of its answer. */
  ended(): void {
    this.#requests--;
  }

  /** Has `work` done at the end of this turn; at once where it is likely to be all. */
  take(work: Work): void {
    if (this.#isQuiet) work.work();
    else {
      this.#works.push(work);
      this.#awaitEnd();
    }
  }

  /** Has `outgoing` sent at the end of this turn, after its work; at once where it is likely to be all. */
  send(outgoing: Outgoing): void {
    if (this.#isQuiet) outgoing.send();
    else {
      this.#outgoing.push(outgoing);
      this.#awaitEnd();
    }
  }

  /** Whether to wait would cost more than it brings. */
  get #isQuiet(): boolean {
    return this.#requests < 2 && !this.#endAwaited;
  }

  #awaitEnd(): void {
    if (this.#endAwaited) return;
    this.#endAwaited = true;
    setImmediate(this.#onEnd);
  }

  #end(): void {
    // Work may bring more work.
    for (const work of this.#works) {
      try {
        work.work();
      } catch (error) {
        this.#onFault(error);
      }
    }
    this.#works = [];
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    this.#endAwaited = false;
    for (const message of outgoing) {
      try {
        message.send();
      } catch (error) {
        this.#onFault(error);
      }
    }
  }
}

/** Lets the process deal with an error as with all that nobody catches, when what comes next has been done. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** The turns of the process's event loop. */
export const turn = new Turn();

/** Settles when everything else that can be done has been done. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How many are told in one turn. */
const maxInTurn = 16;

/** Tells each of `members`, a few in each turn of the event loop: thousands in a row would keep all else waiting. */
export async function tellEach<T>(members: Iterable<T>, tell: (member: T) => void): Promise<void> {
  let told = 0;
  for (const member of members) {
    tell(member);
    told++;
    if (told % maxInTurn === 0) await nextTurn();
  }
}
