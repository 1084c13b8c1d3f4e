import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { nodeFiles } from '../runtime/node-modules.ts';

/** At least the last 10,000 sessions are remembered. */
const maxSessions = 11_000;
/** The oldest sessions are forgotten in batches: finding the first entry of a Map skips every entry deleted before it. */
const forgetBatch = 1_000;
/** The file is written at most this often. */
const writeIntervalMs = 1_000;
/** The SHA-256 of an id is cut to this length, in base64url. */
const hashChars = 16;
/** Three times the size of a file with `maxSessions` lines. */
const maxFileBytes = 1_048_576;
const line = /^([\w-]{16}) (\d{1,12})$/;

/** The file of ended sessions, and the log for problems with it. */
interface EndedSessionsFile {
  readonly path: string;
  readonly logger: Logger;
}

/** The ids of ended sessions, which neither this gateway nor its successor resumes. A file hands them to the successor. */
export class EndedSessions {
  readonly #file: EndedSessionsFile | null;
  /** Hash of an id to the time when it may be forgotten, in seconds since the epoch. */
  readonly #forgetAt = new Map<string, number>();
  #isChanged = false;
  readonly #clock: Clock;
  #cancelWrite: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();
  #writtenMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  /** @param file is read at once and written after changes; with null the ids end with the process */
  constructor(file: EndedSessionsFile | null = null, clock = deadlines.clock) {
    this.#file = file;
    this.#clock = clock;
    if (file) this.#read(file);
  }

  has(id: string): boolean {
    return this.#forgetAt.has(hashOf(id));
  }

  /** @param forgetAtSeconds when the id expires anyway, in seconds since the epoch */
  add(id: string, forgetAtSeconds: number): void {
    this.#forgetAt.set(hashOf(id), forgetAtSeconds);
    if (this.#forgetAt.size > maxSessions) this.#forgetFirst();
    this.#isChanged = true;
    if (!this.#file || this.#cancelWrite) return;
    const waitMs = Math.max(0, this.#writtenMs + writeIntervalMs - this.#clock.nowMs());
    this.#cancelWrite = this.#clock.startTimer(() => void this.flush(), waitMs);
  }

  /** Writes the file now if something has changed. Never rejects. */
  flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  #forgetFirst(): void {
    let left = forgetBatch;
    for (const hash of this.#forgetAt.keys()) {
      if (left-- === 0) return;
      this.#forgetAt.delete(hash);
    }
  }

  async #write(): Promise<void> {
    if (!this.#file || !this.#isChanged) return;
    this.#isChanged = false;
    const { path, logger } = this.#file;
    const text = [...this.#forgetAt].map(([hash, seconds]) => `${hash} ${seconds}\n`).join('');
    try {
      // The rename keeps the file whole if the process ends while writing.
      const temporary = `${path}.${process.pid}`;
      await nodeFiles().writeFile(temporary, text, { mode: 0o600 });
      await nodeFiles().rename(temporary, path);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) {
        const what = 'ended sessions cannot be stored for the next start';
        logger.warn(what, { path, cause: messageOf(error) });
      }
      this.#hasFailed = true;
    }
    this.#writtenMs = this.#clock.nowMs();
  }

  #read({ path, logger }: EndedSessionsFile): void {
    let cause = 'some lines are malformed';
    let isWhole = false;
    try {
      if (statSync(path).size > maxFileBytes) throw new Error('it is larger than 1 MiB');
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
      const found = lines.map((text) => line.exec(text)).filter((match) => match !== null);
      isWhole = found.length === lines.length;
      const nowSeconds = Date.now() / 1000;
      for (const [, hash, seconds] of found) {
        if (Number(seconds) > nowSeconds) this.#forgetAt.set(hash as string, Number(seconds));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      cause = messageOf(error);
    }
    if (isWhole) return;
    const what = 'the file of ended sessions cannot be read: some of them may be resumed';
    logger.warn(what, { path, cause });
  }
}

function hashOf(id: string): string {
  return new Bun.CryptoHasher('sha256').update(id).digest('base64url').slice(0, hashChars);
}
