import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Place } from '../../config/places.ts';
import { isRecord } from '../../config/values.ts';
import { GatewayError } from '../../errors.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import { customaryDirectory } from '../../state/directory.ts';
import type { ClientRow } from '../row.ts';
import { fault, readDocument } from './client-document.ts';

/** An entry that `connect` has written. */
export interface WrittenEntry {
  readonly name: string;
  /** Its value before; absent if there was none. */
  readonly before?: unknown;
  readonly after: unknown;
}

/** What `connect` keeps of a client's file, so that it can be undone. It may hold secrets of the file. */
export interface Backup {
  readonly version: 1;
  readonly client: ClientRow['id'];
  /** The path of the file, as the client names it. */
  readonly file: string;
  /** The time of the connection, ISO 8601. */
  readonly at: string;
  /** The text of the file without the gateway; null if there was no file. */
  readonly original: string | null;
  /** The text of the file with the gateway. */
  readonly written: string;
  readonly entries: readonly WrittenEntry[];
  /** Whether it was undone since. */
  readonly isUndone: boolean;
}

/** A backup with its own path. */
export interface StoredBackup extends Backup {
  readonly path: string;
}

/** How many are kept of a client. */
const maxKept = 10;
/** The time, and a number for those of one second. */
const fileName = /^(\d{8}-\d{6})(?:-(\d+))?\.json$/;

/** The directory of a client's backups. Throws `file_unusable` if the environment names none. */
function directoryOf(place: Place, client: ClientRow['id']): string {
  const state = customaryDirectory(place.env, place.platform);
  if (state !== null) return `${state}/backups/${client}`;
  const variable = place.platform === 'win32' ? 'LOCALAPPDATA' : 'HOME';
  throw new GatewayError(
    'file_unusable',
    `there is no directory for backups, since ${variable} is not set; nothing was changed. Set it, or XDG_STATE_HOME`,
  );
}

/** The last connection of a client's file that is not undone; null if there is none. */
export function lastBackup(place: Place, client: ClientRow['id'], file: string): StoredBackup | null {
  return openBackups(place, client).find((backup) => backup.file === file) ?? null;
}

/** The last connection of each file of a client, unless it is undone. Backups that cannot be read are left out. */
export function openBackups(place: Place, client: ClientRow['id']): StoredBackup[] {
  return openIn(directoryOf(place, client));
}

function openIn(directory: string): StoredBackup[] {
  const byFile = new Map<string, StoredBackup>();
  for (const name of namesIn(directory)) {
    const backup = readBackup(`${directory}/${name}`);
    if (backup !== null) byFile.set(backup.file, backup);
  }
  return [...byFile.values()].filter(({ isUndone }) => !isUndone);
}

/**
 * Stores a backup, readable by its owner only, and drops the oldest ones. Returns it with its path. Throws `file_unusable` if that
 * fails.
 */
export function storeBackup(place: Place, backup: Backup): StoredBackup {
  const directory = directoryOf(place, backup.client);
  try {
    return store(directory, backup);
  } catch (error) {
    throw fault(`the backup in ${directory}`, 'written', error);
  }
}

function store(directory: string, backup: Backup): StoredBackup {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const names = namesIn(directory);
  const path = newPath(
    directory,
    backup.at.slice(0, 19).replace(/[-:]/g, '').replace('T', '-'),
    names.at(-1),
  );
  // What can still be undone stays, however old it is.
  const open = new Set(openIn(directory).map(({ path }) => path));
  const stored = { ...backup, path };
  try {
    write(stored);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  const closed = names.map((each) => `${directory}/${each}`).filter((path) => !open.has(path));
  for (const path of closed.slice(0, Math.max(0, names.length + 1 - maxKept))) rmSync(path, { force: true });
  return stored;
}

/** The path of a new backup, which no other process has: another `connect` may run in this second. */
function newPath(directory: string, time: string, last = ''): string {
  const [, lastTime, lastNumber = '1'] = fileName.exec(last) ?? [];
  // Numbers go on where older ones of the same second are dropped already.
  for (let number = lastTime === time ? Number(lastNumber) + 1 : 1; ; number++) {
    const path = `${directory}/${time}${number === 1 ? '' : `-${number}`}.json`;
    try {
      writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Changes what a backup says. One that was undone is kept for a person to look at. */
export function updateBackup(
  backup: StoredBackup,
  changes: Partial<Pick<Backup, 'written' | 'isUndone'>>,
): void {
  write({ ...backup, ...changes });
}

/** Removes a backup of a connection that failed. */
export function dropBackup({ path }: StoredBackup): void {
  rmSync(path, { force: true });
}

function write({ path, ...backup }: StoredBackup): void {
  replaceFile(path, `${JSON.stringify(backup, null, 2)}\n`, 0o600);
}

/** The names of backups in a directory, the oldest one first. */
function namesIn(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const [, time = '', number = '1'] = fileName.exec(name) ?? [];
      return time === '' ? [] : [{ name, time, number: Number(number) }];
    })
    .toSorted((a, b) => (a.time === b.time ? a.number - b.number : a.time < b.time ? -1 : 1))
    .map(({ name }) => name);
}

function readBackup(path: string): StoredBackup | null {
  try {
    const backup: unknown = JSON.parse(readDocument(path) ?? '');
    return isBackup(backup) ? { ...backup, path } : null;
  } catch {
    return null;
  }
}

function isBackup(value: unknown): value is Backup {
  return (
    isRecord(value) &&
    value.version === 1 &&
    typeof value.file === 'string' &&
    typeof value.written === 'string' &&
    (value.original === null || typeof value.original === 'string') &&
    Array.isArray(value.entries) &&
    value.entries.every((entry) => isRecord(entry) && typeof entry.name === 'string')
  );
}
