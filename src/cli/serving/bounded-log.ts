import { copyFileSync, fstatSync, ftruncateSync } from 'node:fs';

/** The file that stderr is; a longer one is kept as `FILE.1` and begun anew. */
const maxBytes = 1024 * 1024;
const intervalMs = 2_000;
const stderr = 2;

/**
 * Bounds the file that this process writes its stderr to. It must be open for appending, so that what is written next begins the file.
 */
export function boundErrorFile(path: string): void {
  const timer = setInterval(() => {
    try {
      if (fstatSync(stderr).size <= maxBytes) return;
      copyFileSync(path, `${path}.1`);
      ftruncateSync(stderr, 0);
    } catch {
      // It is no file any more, or the disk is full: the gateway serves all the same.
    }
  }, intervalMs);
  timer.unref();
}
