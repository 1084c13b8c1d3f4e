import { realpathSync } from 'node:fs';

/** The path without symbolic links; null if it leads to nothing. */
export function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
