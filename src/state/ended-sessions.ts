import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { nodeFiles } from '../runtime/node-modules.ts';

/** How many are remembered: the last 10,000, and some. */
const maxEnded = 11_000;
/** How many of the first are forgotten at a time: to find the first of a Map means to go past all that were deleted before it. */
const forgottenAtOnce = 1_000;
/** How long it is at least between two times that the file is written. */
const writeIntervalMs = 1_000;
/** As much of an id's SHA-256 as is kept, in base64url. */
const hashChars = 16;
/** A file of as many as are remembered is a third of that. */
const maxFileBytes = 1_048_576;
const line = /^([\w-]{16}) (\d{1,12})$/;

/** A file to remember in, and who is told of what is wrong with it. */
interface EndedSessionsFile {
  readonly path: string;
  readonly logger: Logger;
}

/**
 * The ids of sessions that have ended for good, so that nobody goes on with them: not this gateway, and not its
 * successor, for which they are kept in a file.
 */
export class EndedSessions {
  readonly #file: EndedSessionsFile | null;
  /** By the hashes of their ids, when they may be forgotten, in seconds since the epoch. */
  readonly #forgetAt = new Map<string, number>();
  #isChanged = false;
  #writeTimer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();
  #writtenMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  /** @param file is read, and written whenever something has changed; null: only this process remembers */
  constructor(file: EndedSessionsFile | null = null) {
    this.#file = file;
    if (file) this.#read(file);
  }

  has(id: string): boolean {
    return this.#forgetAt.has(hashOf(id));
  }

  /** @param forgetAtSeconds from when on the id is not taken anyway, in seconds since the epoch */
  add(id: string, forgetAtSeconds: number): void {
    this.#forgetAt.set(hashOf(id), forgetAtSeconds);
    if (this.#forgetAt.size > maxEnded) this.#forgetFirst();
    this.#isChanged = true;
    if (!this.#file || this.#writeTimer) return;
    const waitMs = Math.max(0, this.#writtenMs + writeIntervalMs - performance.now());
    this.#writeTimer = setTimeout(() => void this.flush(), waitMs);
    this.#writeTimer.unref();
  }

  /** Writes the file now, if something has changed. Never rejects. */
  flush(): Promise<void> {
    if (this.#writeTimer) clearTimeout(this.#writeTimer);
    this.#writeTimer = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  #forgetFirst(): void {
    let left = forgottenAtOnce;
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
      // Whoever reads it finds a whole file, whenever this process ends.
      const temporary = `${path}.${process.pid}`;
      await nodeFiles().writeFile(temporary, text, { mode: 0o600 });
      await nodeFiles().rename(temporary, path);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) {
        const what = 'sessions that have ended cannot be remembered beyond a restart';
        logger.warn(what, { path, cause: messageOf(error) });
      }
      this.#hasFailed = true;
    }
    this.#writtenMs = performance.now();
  }

  #read({ path, logger }: EndedSessionsFile): void {
    let cause = 'it has lines other than hashes and times';
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
    const what = 'the file of ended sessions cannot be read: some of them may be taken for open ones';
    logger.warn(what, { path, cause });
  }
}

function hashOf(id: string): string {
  return new Bun.CryptoHasher('sha256').update(id).digest('base64url').slice(0, hashChars);
}
