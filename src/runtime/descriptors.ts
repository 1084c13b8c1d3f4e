import { closeSync, openSync, readFileSync } from 'node:fs';

const checkIntervalMs = 1_000;
/** The reserve is this share of the limit, within bounds. */
const reserveShare = 1 / 8;
const minReserve = 8;
const maxReserve = 64;
/** A shortage is over after this long with room, because it may come and go within seconds. */
const roomMs = 5_000;
/** The delay of each turn of the event loop during a shortage. */
const brakeMs = 10;
/** How often to check whether a shortage is over. */
const lookIntervalMs = 100;

/** Is notified of shortages of file descriptors. */
export interface DescriptorWatcher {
  /** Only the reserve is left. @param problem the problem, and what to do about it */
  onShortage(problem: string): void;
  /** The shortage continues; called once a second. @param forMs how long it has lasted */
  onShortageLasts(forMs: number): void;
  /** There is room again. */
  onRoom(): void;
}

/**
 * The file descriptors of the process. While there is a watcher, dummy files hold a few in reserve: when clients use all
 * others, the reserve serves connections to servers, and a reload.
 *
 * In a shortage Bun's event loop would spin: the listening socket stays ready, and each accept fails. Bun cannot stop
 * accepting without closing idle connections of clients. So each turn is delayed for a moment: existing connections are
 * served as before, and new ones wait until others end.
 */
class Descriptors {
  readonly #watchers = new Set<DescriptorWatcher>();
  readonly #spares: number[] = [];
  /** The most that may be open; null if the system does not say. */
  #limit: number | null = null;
  #reserve = 0;
  #timer: Timer | null = null;
  /** The start of the shortage, and of the room during it, by performance.now(); null if there is none. */
  #shortSinceMs: number | null = null;
  #roomSinceMs: number | null = null;

  /** Holds the reserve from the next turn on, and notifies `watcher` of shortages. */
  watch(watcher: DescriptorWatcher): void {
    // Windows has no such limit.
    if (process.platform === 'win32') return;
    this.#watchers.add(watcher);
    if (this.#timer !== null) return;
    // Read now: in a shortage the file could not be opened.
    this.#limit = limitOf();
    this.#reserve = reserveOf(this.#limit);
    this.#timer = setInterval(() => this.#check(), checkIntervalMs).unref();
    setImmediate(() => {
      if (this.#timer !== null) this.#check();
    });
  }

  unwatch(watcher: DescriptorWatcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#shortSinceMs = null;
    this.#giveBack(this.#spares.length);
  }

  /** Whether no descriptor is left. */
  areExhausted(): boolean {
    if (this.#timer === null) return false;
    const isExhausted = !this.#open(1);
    if (!isExhausted) this.#giveBack(1);
    else if (this.#shortSinceMs === null) this.#begin();
    return isExhausted;
  }

  /** In a shortage, frees `count` of the reserve for the files that the caller opens next. */
  lend(count: number): void {
    if (this.#shortSinceMs !== null) this.#giveBack(count);
  }

  /** Runs `open`, which has one file open at a time and closes it, with a descriptor of the reserve in a shortage. */
  use<T>(open: () => T): T {
    this.lend(1);
    try {
      return open();
    } finally {
      // Now, before a new connection takes it.
      if (this.#shortSinceMs !== null) this.#fill();
    }
  }

  /** The problem, and what to do about it. */
  problem(): string {
    const known = this.#limit === null ? '' : ` (limit ${this.#limit})`;
    return `out of file descriptors${known}: raise ulimit -n, or LimitNOFILE= in systemd`;
  }

  /** Once a second: fills the reserve, and checks that one more descriptor is left. */
  #check(): void {
    if (this.#shortSinceMs !== null) {
      const forMs = performance.now() - this.#shortSinceMs;
      for (const watcher of this.#watchers) watcher.onShortageLasts(forMs);
      return;
    }
    if (!this.#fill() || !this.#hasRoom(1)) this.#begin();
  }

  #begin(): void {
    this.#shortSinceMs = performance.now();
    this.#roomSinceMs = null;
    const problem = this.problem();
    for (const watcher of this.#watchers) watcher.onShortage(problem);
    setImmediate(() => this.#brake(0));
  }

  /** Delays one turn of the event loop in a shortage. @param lookAtMs when to check whether it is over */
  #brake(lookAtMs: number): void {
    if (this.#shortSinceMs === null) return;
    Bun.sleepSync(brakeMs);
    const nowMs = performance.now();
    const isDue = nowMs >= lookAtMs;
    if (isDue) this.#look(nowMs);
    else this.#fill();
    setImmediate(() => this.#brake(isDue ? nowMs + lookIntervalMs : lookAtMs));
  }

  #look(nowMs: number): void {
    // The reserve comes first, and as much again must be left for others.
    if (!this.#fill() || !this.#hasRoom(this.#reserve)) this.#roomSinceMs = null;
    else this.#roomSinceMs ??= nowMs;
    if (this.#roomSinceMs === null || nowMs - this.#roomSinceMs < roomMs) return;
    this.#shortSinceMs = null;
    for (const watcher of this.#watchers) watcher.onRoom();
  }

  /** Fills the reserve. Returns whether it is full. */
  #fill(): boolean {
    return this.#open(this.#reserve - this.#spares.length);
  }

  #hasRoom(count: number): boolean {
    const before = this.#spares.length;
    const hasRoom = this.#open(count);
    this.#giveBack(this.#spares.length - before);
    return hasRoom;
  }

  /** Opens `count` more dummy files. Returns whether that many were left. */
  #open(count: number): boolean {
    for (let taken = 0; taken < count; taken++) {
      try {
        this.#spares.push(openSync('/dev/null', 'r'));
      } catch (error) {
        const { code } = error as { code?: string };
        return code !== 'EMFILE' && code !== 'ENFILE';
      }
    }
    return true;
  }

  #giveBack(count: number): void {
    for (const spare of this.#spares.splice(-count, count)) closeSync(spare);
  }
}

/** The file descriptors of the process. */
export const descriptors = new Descriptors();

/** The limit of open file descriptors; null if the system does not say. */
function limitOf(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}

function reserveOf(limit: number | null): number {
  return Math.min(maxReserve, Math.max(minReserve, Math.floor((limit ?? 0) * reserveShare)));
}
