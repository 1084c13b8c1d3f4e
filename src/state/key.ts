import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { GatewayError, messageOf } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import { keyBytes } from './seal.ts';

/** The variable with a secret from which the key is derived, in place of the file. */
export const stateKeyVariable = 'MCPSTEAD_STATE_KEY';
const minSecretChars = 32;

/**
 * Derives the key from the secret in the environment, by HKDF with SHA-256 (RFC 5869): any text will do, and the key does not
 * reveal it. Null if there is no secret. Throws `config_invalid` if the secret is too short.
 */
export function stateKeyFrom(secret: string | undefined): Uint8Array | null {
  if (secret === undefined) return null;
  const text = secret.trim();
  if (text.length < minSecretChars) {
    const found = text === '' ? 'is empty' : `has ${text.length} characters`;
    throw new GatewayError(
      'config_invalid',
      `${stateKeyVariable} ${found}; expected a secret of at least ${minSecretChars} characters, such as openssl rand -hex 32 prints, or no variable`,
    );
  }
  const hmac = (key: string | Uint8Array, data: string) =>
    new Bun.CryptoHasher('sha256', key).update(data).digest();
  return hmac(hmac('mcpstead', text), 'state key\x01');
}

/** A new random key. */
export function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(keyBytes));
}

/** Creates the state directory, for its owner only, if it is missing. Throws an Error with the reason if that fails. */
export function makeDirectory(path: string): void {
  usable(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
}

/**
 * Reads the key from the file `state.key` in `directory`, and creates the file if it is missing. Gateways that start at the
 * same time get the same key. Throws an Error that says what is wrong and what to do.
 */
export function readOrMakeKey(directory: string, logger: Logger): Uint8Array {
  const path = `${directory}/state.key`;
  return usable(path, () => readKey(path, logger) ?? makeKey(path, logger));
}

function usable<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new Error(`${path}: ${reasons[String(error.code)] ?? String(error.code)}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'it is not a directory',
  EISDIR: 'it is a directory',
  ENOSPC: 'no space left',
};

/** Null if there is no such file. */
function readKey(path: string, logger: Logger): Uint8Array | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    hideFromOthers(file, path, logger);
    const text = readFileSync(file, 'utf8').trim();
    const key = Buffer.from(text, 'base64url');
    if (key.length === keyBytes && key.toString('base64url') === text) return key;
    throw new Error(
      `${path} does not hold a key of ${keyBytes} bytes in base64url; remove it to get a new one`,
    );
  } finally {
    closeSync(file);
  }
}

function hideFromOthers(file: number, path: string, logger: Logger): void {
  // Windows protects a user's folders by other means.
  if (process.platform === 'win32') return;
  const { mode, uid } = fstatSync(file);
  if ((mode & 0o077) === 0) return;
  const consequence = 'whoever read it can forge session ids; remove it to get a new one';
  try {
    if (uid !== process.getuid?.()) throw new Error('it belongs to another user');
    chmodSync(path, 0o600);
    logger.warn(`the state key was readable by others and is not any more: ${consequence}`, { path });
  } catch (error) {
    logger.warn(`the state key is readable by others: ${consequence}`, { path, cause: messageOf(error) });
  }
}

function makeKey(path: string, logger: Logger): Uint8Array {
  const key = randomKey();
  const temporary = `${path}.${process.pid}.${crypto.randomUUID()}`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, `${Buffer.from(key).toString('base64url')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    // Unlike a rename, a link does not replace a file that another gateway has just created.
    linkSync(temporary, path);
    unlinkSync(temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') unlinkSync(temporary);
    // Some file systems have no links.
    else renameSync(temporary, path);
  }
  return readKey(path, logger) ?? key;
}
