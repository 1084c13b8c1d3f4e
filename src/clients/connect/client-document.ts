import { isUtf8 } from 'node:buffer';
import { lstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import { GatewayError } from '../../errors.ts';
import { descriptors } from '../../runtime/descriptors.ts';
import { replaceFile } from '../../runtime/replace-file.ts';

/** Claude Code keeps its history in the same file; nobody has a larger one of these. */
const maxFileBytes = 32 * 1024 * 1024;

/** The text of a file as it is, with a byte order mark; null if there is no file. Throws `file_unusable` with the reason. */
export function readDocument(path: string): string | null {
  try {
    // Checked before opening: opening a pipe without a writer blocks forever.
    const status = statSync(path);
    if (!status.isFile())
      throw unusable(path, status.isDirectory() ? 'is a directory' : 'is not a regular file');
    if (status.size > maxFileBytes) throw unusable(path, 'is larger than 32 MiB');
    const bytes = descriptors.use(() => readFileSync(path));
    if (!isUtf8(bytes)) throw unusable(path, 'is not UTF-8');
    return bytes.toString('utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw fault(path, 'read', error);
    if (isLink(path)) throw unusable(path, 'is a symbolic link to a file that does not exist');
    return null;
  }
}

/**
 * Writes the file, or removes it if `text` is null, unless it is no longer what was read. Throws `file_unusable`, and leaves the
 * file as it is, if it changed meanwhile or cannot be written.
 * @param expected what {@link readDocument} returned
 */
export function writeDocument(path: string, expected: string | null, text: string | null): void {
  const check = () => {
    if (readDocument(path) !== expected) {
      throw unusable(
        path,
        'was changed by another program in this moment; nothing was written: run the command again',
      );
    }
  };
  try {
    // A rename would replace a file that its owner has protected.
    if (expected !== null && (statSync(path).mode & 0o200) === 0) throw unusable(path, 'is read-only');
    if (text === null) {
      check();
      rmSync(path);
    } else replaceFile(path, text, undefined, check);
  } catch (error) {
    throw fault(path, 'written', error);
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : null);

/** An error of the system as one for people: `file_unusable`. */
export function fault(path: string, done: 'read' | 'written', error: unknown): Error {
  if (error instanceof GatewayError) return error;
  const code = codeOf(error);
  return unusable(path, `cannot be ${done}: ${reasons[code ?? ''] ?? code ?? 'unknown error'}`);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'it is gone',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'a part of the path is not a directory',
  ELOOP: 'its symbolic links lead nowhere',
};

function unusable(path: string, why: string): GatewayError {
  return new GatewayError('file_unusable', `${path} ${why}`);
}
