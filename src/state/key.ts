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

/** The variable that holds a secret to make the key from, in place of the file. */
export const stateKeyVariable = 'MCPSTEAD_STATE_KEY';
const minSecretChars = 32;

/**
 * The key that is made of the secret in the environment, or null where that has none. Throws
 * `config_invalid` with what is wrong with it.
 *
 * HKDF with SHA-256 (RFC 5869): any text will do, and whoever has the key does not have the text.
 */
export function stateKeyFrom(secret: string | undefined): Uint8Array | null {
  if (secret === undefined) return null;
  const text = secret.trim();
  if (text.length < minSecretChars) {
    const found = text === '' ? 'is empty' : `has ${text.length} characters`;
    throw new GatewayError(
      'config_invalid',
      `${stateKeyVariable} ${found}; expected a secret of at least ${minSecretChars} characters, as openssl rand -hex 32 prints, or no such variable`,
    );
  }
  const hmac = (key: string | Uint8Array, data: string) =>
    new Bun.CryptoHasher('sha256', key).update(data).digest();
  return hmac(hmac('mcpstead', text), 'state key\x01');
}

/** A key that nobody else has. */
export function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(keyBytes));
}

/** Makes the state directory, for its owner alone, where there is none. Throws an Error that says why it cannot. */
export function makeDirectory(path: string): void {
  usable(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
}

/**
 * The key in the file `state.key` of `directory`, which is made where there is none; of gateways that start at the same
 * time all get the same one. Throws an Error that says what is wrong and what to do.
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
  ENOTDIR: 'a part of the path is no directory',
  EEXIST: 'it is no directory',
  EISDIR: 'it is a directory',
  ENOSPC: 'no space is left',
};

/** Null where there is no such file. */
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
      `${path} holds no key of ${keyBytes} bytes in base64url; remove it, and a new one is made`,
    );
  } finally {
    closeSync(file);
  }
}

function hideFromOthers(file: number, path: string, logger: Logger): void {
  // Windows keeps a user's own folders from others by other means.
  if (process.platform === 'win32') return;
  const { mode, uid } = fstatSync(file);
  if ((mode & 0o077) === 0) return;
  const consequence = 'whoever read it can make up session ids; remove it, and a new one is made';
  try {
    if (uid !== process.getuid?.()) throw new Error('it belongs to another user');
    chmodSync(path, 0o600);
    logger.warn(`the state key could be read by others, and cannot any more: ${consequence}`, { path });
  } catch (error) {
    logger.warn(`the state key can be read by others: ${consequence}`, { path, cause: messageOf(error) });
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
    // Unlike a renamed file, a link does not take the place of one that another gateway has just made.
    linkSync(temporary, path);
    unlinkSync(temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') unlinkSync(temporary);
    // Some file systems know no links.
    else renameSync(temporary, path);
  }
  return readKey(path, logger) ?? key;
}
