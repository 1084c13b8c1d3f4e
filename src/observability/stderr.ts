import { fstatSync, writeSync } from 'node:fs';
import { nodeTty } from '../node-modules.ts';

/** How long a line waits for a reader of stderr that does not keep up, before it is dropped. */
const maxWaitMs = 250;

/**
 * Writes to stderr before it returns, so that the last line before an exit is not lost. Never throws: a
 * gateway whose log has no reader goes on serving.
 */
export function writeToStderr(text: string): void {
  const bytes = Buffer.from(text);
  const deadline = performance.now() + maxWaitMs;
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(2, bytes, written);
    } catch (error) {
      // EAGAIN: a pipe that is full and does not block. Anything else (EPIPE) will not get better.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > deadline) return;
      Bun.sleepSync(1);
    }
  }
}

/** Whether stderr is a terminal. Never throws. */
export function stderrIsTerminal(): boolean {
  try {
    if (!fstatSync(2).isCharacterDevice()) return false;
  } catch {
    // It is closed, or of a kind that has no status.
  }
  return nodeTty().isatty(2);
}
