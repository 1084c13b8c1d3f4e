import { nodeFiles } from '../../runtime/node-modules.ts';

/** How often files are looked at, and how soon again while one changes. */
const checkMs = 2_000;
const settleMs = 200;
/** A file that never comes to rest is read all the same after this many looks. */
const maxLooks = 25;

interface FileWatchOptions {
  readonly paths: readonly string[];
  /** By default every 2 s. */
  readonly intervalMs?: number;
}

/**
 * Notices when files change, by their status: notifications of the system get lost when a file is replaced, as editors and
 * Kubernetes do it. A change counts when it has come to rest, so that nobody reads a file that is half written.
 */
export class FileWatch {
  readonly #paths: readonly string[];
  readonly #intervalMs: number;
  #seen = '';
  #timer: Timer | null = null;
  #isStopped = false;

  constructor({ paths, intervalMs = checkMs }: FileWatchOptions) {
    this.#paths = paths;
    this.#intervalMs = intervalMs;
  }

  /** Takes the files as they are for known: call it before they are read. */
  async mark(): Promise<void> {
    this.#seen = await this.#status();
  }

  /** Calls `onChange` after each change since {@link mark}, once it has come to rest; one call at a time. */
  start(onChange: () => Promise<void>): void {
    this.#next(this.#intervalMs, null, onChange);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** @param moving the status at the last look, if it was a new one @param looks how often it was a new one in a row */
  #next(delayMs: number, moving: string | null, onChange: () => Promise<void>, looks = 0): void {
    if (this.#isStopped) return;
    const look = async () => {
      const status = await this.#status();
      if (status === this.#seen) return this.#next(this.#intervalMs, null, onChange);
      if (status !== moving && looks < maxLooks) return this.#next(settleMs, status, onChange, looks + 1);
      this.#seen = status;
      try {
        if (!this.#isStopped) await onChange();
      } finally {
        this.#next(this.#intervalMs, null, onChange);
      }
    };
    this.#timer = setTimeout(look, delayMs).unref();
  }

  async #status(): Promise<string> {
    return (await Promise.all(this.#paths.map(statusOf))).join('\n');
  }
}

/** What tells one state of a file from another. Symbolic links are followed: Kubernetes replaces the link. */
async function statusOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mode, mtimeNs, ctimeNs } = await nodeFiles().stat(path, { bigint: true });
    return [dev, ino, size, mode, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
