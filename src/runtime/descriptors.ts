import { closeSync, openSync, readFileSync } from 'node:fs';

const checkIntervalMs = 1_000;
/** Of the limit, as much is kept for ourselves, but not more or less than this. */
const reserveShare = 1 / 8;
const minReserve = 8;
const maxReserve = 64;
/** How long there must have been room before the shortage is over: it may come and go by the second. */
const roomMs = 5_000;
/** How long each turn of the event loop is held up in a shortage. */
const brakeMs = 10;
/** How often it looks whether the shortage is over. */
const lookIntervalMs = 100;

/** Is told of shortages of file descriptors. */
export interface DescriptorWatcher {
  /** There are none left but the reserve. @param problem what there is to say, and to do */
  onShortage(problem: string): void;
  /** The shortage goes on; called once a second. @param forMs since when */
  onShortageLasts(forMs: number): void;
  /** There is room again. */
  onRoom(): void;
}

/**
 * The file descriptors of the process. While somebody watches, a few are held in reserve, by files of no use: when all
 * others are in the hands of clients, there is room for connections to upstreams, and for a reload.
 *
 * In a shortage Bun's event loop would spin: the listening socket is ready, and to accept fails, again and again. It cannot
 * be told to stop accepting without closing the connections of clients that are idle just then. So each of its turns is held
 * up for a moment: the connections that there are are served as before, and new ones wait until others have ended.
 */
class Descriptors {
  readonly #watchers = new Set<DescriptorWatcher>();
  readonly #spares: number[] = [];
  /** How many may be open; null: the system does not tell. */
  #limit: number | null = null;
  #reserve = 0;
  #timer: Timer | null = null;
  /** By performance.now(): since when there is a shortage, and since when room; null: not. */
  #shortSinceMs: number | null = null;
  #roomSinceMs: number | null = null;

  /** Holds the reserve, once the gateway serves, and tells `watcher` of shortages. */
  watch(watcher: DescriptorWatcher): void {
    // Windows has no such limit.
    if (process.platform === 'win32') return;
    this.#watchers.add(watcher);
    if (this.#timer !== null) return;
    // In a shortage the file that tells could not be read.
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

  /** Whether not one more can be had. */
  areExhausted(): boolean {
    if (this.#timer === null) return false;
    const isExhausted = !this.#open(1);
    if (!isExhausted) this.#giveBack(1);
    else if (this.#shortSinceMs === null) this.#begin();
    return isExhausted;
  }

  /** Frees `count` of the reserve, in a shortage, for what is opened right after this. */
  lend(count: number): void {
    if (this.#shortSinceMs !== null) this.#giveBack(count);
  }

  /** Runs `open`, which opens a file at a time and closes it again: in a shortage, too. */
  use<T>(open: () => T): T {
    this.lend(1);
    try {
      return open();
    } finally {
      // Before anybody else takes it.
      if (this.#shortSinceMs !== null) this.#fill();
    }
  }

  /** What there is to say, and to do, about the shortage. */
  problem(): string {
    const known = this.#limit === null ? '' : ` (limit ${this.#limit})`;
    return `out of file descriptors${known}: raise ulimit -n, or LimitNOFILE= in systemd`;
  }

  /** Once a second: takes the reserve, and looks whether more could be had. */
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

  /** Holds up one turn of the event loop in a shortage. @param lookAtMs when to look whether it is over */
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
    // The reserve comes first, and there must be as much again for others.
    if (!this.#fill() || !this.#hasRoom(this.#reserve)) this.#roomSinceMs = null;
    else this.#roomSinceMs ??= nowMs;
    if (this.#roomSinceMs === null || nowMs - this.#roomSinceMs < roomMs) return;
    this.#shortSinceMs = null;
    for (const watcher of this.#watchers) watcher.onRoom();
  }

  /** Takes what is missing of the reserve; tells whether all of it is there. */
  #fill(): boolean {
    return this.#open(this.#reserve - this.#spares.length);
  }

  #hasRoom(count: number): boolean {
    const before = this.#spares.length;
    const isThere = this.#open(count);
    this.#giveBack(this.#spares.length - before);
    return isThere;
  }

  /** Takes `count` more; tells whether that many were to be had. */
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

/** The process's file descriptors. */
export const descriptors = new Descriptors();

/** How many file descriptors may be open; null where the system does not tell. */
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
