import { writeSync } from 'node:fs';

/** How long a full pipe gets to take more. */
const retryMs = 10;

/**
 * Prints requested output to stdout, all of it: it waits for a reader that takes its time, such as a pager. Output that nobody
 * reads any more, as of `mcpstead tools | head -1`, is dropped. Throws the error of a full disk.
 * @returns whether somebody reads it
 */
export function print(text: string): boolean {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      // Another process has made the pipe non-blocking.
      Bun.sleepSync(retryMs);
    }
  }
  return true;
}

/** Prints a report: one JSON object. */
export function printJson(report: object): void {
  print(`${JSON.stringify(report)}\n`);
}
