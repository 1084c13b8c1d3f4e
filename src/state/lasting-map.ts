import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { nodeFiles } from '../runtime/node-modules.ts';

/** The file is written at most this often. */
const writeIntervalMs = 1_000;
/** The SHA-256 of a key is cut to this length, in base64url. */
const hashChars = 16;
/** Far more than the file of a full map. */
const maxFileBytes = 1_048_576;
const line = /^([\w-]{16}) (\d{1,12})(?: ([a-z]{1,20}))?$/;

/** The file of a map, and what is logged if it cannot be used. */
interface LastingFile {
  readonly path: string;
  readonly logger: Pick<Logger, 'warn'>;
  readonly unreadable: string;
  readonly unwritable: string;
}

interface LastingEntry {
  /** A word of lower-case letters, or nothing. */
  readonly value: string;
  /** When it may be forgotten, in seconds since the epoch. */
  readonly forgetAtSeconds: number;
}

/**
 * A bounded map whose entries are forgotten at their time, and which a file hands to the next process. Only its owner may read the
 * file, which contains hashes of the keys.
 */
export class LastingMap {
  readonly #max: number;
  readonly #forgetBatch: number;
  readonly #file: LastingFile | null;
  readonly #clock: Clock;
  readonly #entries = new Map<string, LastingEntry>();
  #isChanged = false;
  #cancelWrite: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();
  #writtenMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  /**
   * @param kept how many of the last entries are kept at least; there are at most a tenth more
   * @param file is read at once and written after changes; with null the entries end with the process
   */
  constructor(kept: number, file: LastingFile | null, clock = deadlines.clock) {
    this.#forgetBatch = Math.ceil(kept / 10);
    this.#max = kept + this.#forgetBatch;
    this.#file = file;
    this.#clock = clock;
    if (file) this.#read(file);
  }

  /** The entry of a key, which may be past its time. */
  get(key: string): LastingEntry | undefined {
    return this.#entries.get(hashOf(key));
  }

  set(key: string, entry: LastingEntry): void {
    const hash = hashOf(key);
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    if (this.#entries.size > this.#max) this.#forgetFirst();
    this.#changed();
  }

  delete(key: string): void {
    if (this.#entries.delete(hashOf(key))) this.#changed();
  }

  /** Writes the file now if something has changed. Never rejects. */
  flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  #changed(): void {
    this.#isChanged = true;
    if (!this.#file || this.#cancelWrite) return;
    const waitMs = Math.max(0, this.#writtenMs + writeIntervalMs - this.#clock.nowMs());
    this.#cancelWrite = this.#clock.startTimer(() => void this.flush(), waitMs);
  }

  /** In batches: finding the first entry of a Map skips every entry deleted before it. */
  #forgetFirst(): void {
    let left = this.#forgetBatch;
    for (const hash of this.#entries.keys()) {
      if (left-- === 0) return;
      this.#entries.delete(hash);
    }
  }

  async #write(): Promise<void> {
    if (!this.#file || !this.#isChanged) return;
    this.#isChanged = false;
    const { path, logger, unwritable } = this.#file;
    try {
      // The rename keeps the file whole if the process ends while writing.
      const temporary = `${path}.${process.pid}`;
      await nodeFiles().writeFile(temporary, [...this.#entries].map(lineOf).join(''), { mode: 0o600 });
      await nodeFiles().rename(temporary, path);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) logger.warn(unwritable, { path, cause: messageOf(error) });
      this.#hasFailed = true;
    }
    this.#writtenMs = this.#clock.nowMs();
  }

  #read({ path, logger, unreadable }: LastingFile): void {
    let cause = 'some lines are malformed';
    let isWhole = false;
    try {
      if (statSync(path).size > maxFileBytes) throw new Error('it is larger than 1 MiB');
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
      const found = lines.map((text) => line.exec(text)).filter((match) => match !== null);
      isWhole = found.length === lines.length;
      const nowSeconds = Date.now() / 1000;
      for (const [, hash = '', seconds, value = ''] of found.slice(-this.#max)) {
        if (Number(seconds) > nowSeconds)
          this.#entries.set(hash, { value, forgetAtSeconds: Number(seconds) });
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      cause = messageOf(error);
    }
    if (!isWhole) logger.warn(unreadable, { path, cause });
  }
}

function lineOf([hash, { value, forgetAtSeconds }]: readonly [string, LastingEntry]): string {
  return value === '' ? `${hash} ${forgetAtSeconds}\n` : `${hash} ${forgetAtSeconds} ${value}\n`;
}

function hashOf(key: string): string {
  return new Bun.CryptoHasher('sha256').update(key).digest('base64url').slice(0, hashChars);
}
