import { type Kind, kinds } from '../protocol/kinds.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';

/** Changes within this time, as at start-up, are told once. */
const delayMs = 50;

/** The notifications that lists have changed, by their view. */
export type ChangedLists = ReadonlyMap<string, ReadonlySet<string>>;

/** Collects the changes of lists, and tells of those within a moment together. */
export class ListChanges {
  readonly #tell: (changed: ChangedLists) => void;
  readonly #clock: Clock;
  /** Empty if nothing is to be told. */
  #changed = new Map<string, Set<string>>();

  constructor(tell: (changed: ChangedLists) => void, clock: Clock = deadlines.clock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  /** The items of a kind have changed in a view. Resources and their templates have one notification. */
  add(kind: Kind, view: string): void {
    if (this.#changed.size === 0) this.#clock.startTimer(() => this.#flush(), delayMs);
    const methods = this.#changed.get(view) ?? new Set();
    this.#changed.set(view, methods.add(kinds[kind].changedNotification));
  }

  #flush(): void {
    const changed = this.#changed;
    this.#changed = new Map();
    this.#tell(changed);
  }
}
