import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { realPath } from './real-path.ts';

/**
 * Writes a file as a whole or not at all: to a temporary file beside it, which then takes its name. A symbolic link stays, and
 * the file that it names is replaced. Missing directories are made, for the owner only. Throws errors of the system.
 * @param mode permissions; by default those of the file that is replaced, else 0600
 * @param check is called in the last moment before the file is replaced; what it throws leaves the file as it is
 */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode?: number,
  check?: () => void,
): void {
  const target = realPath(path) ?? path;
  const permissions = mode ?? modeOf(target) ?? 0o600;
  // The last part is left out: `config.yaml` alone is in the working directory.
  const directory = /^(.*)[/\\]/s.exec(target)?.[1];
  if (directory) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w', permissions);
    try {
      writeFileSync(file, content);
      // The name must not lead to a file whose bytes are still on their way when the power goes.
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // The umask may have taken some away.
    chmodSync(temporary, permissions);
    check?.();
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function modeOf(path: string): number | null {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return null;
  }
}
