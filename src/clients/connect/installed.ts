import { existsSync, statSync } from 'node:fs';
import { homeDirectory, type Place } from '../../config/places.ts';
import type { ClientRow } from '../row.ts';
import { ClaudeCommand } from './claude-command.ts';

/** A client on this machine. */
interface LocatedClient {
  readonly row: ClientRow;
  /** The file to write; null if the client has none, or the environment names no home. */
  readonly file: string | null;
  /** The files that exist, else the one to write. */
  readonly files: readonly string[];
  readonly hasFile: boolean;
  /** Whether there is a sign that the client is installed: its file, or a folder of its own. */
  readonly isInstalled: boolean;
  /** Where was looked for it. */
  readonly looked: readonly string[];
}

/** Looks for a client. Of several files the first existing one counts, else the first one whose folder exists. */
export function locate(row: ClientRow, place: Place): LocatedClient {
  const files = row.userFiles(place);
  const signs = row.signs?.(place) ?? [];
  const existing = files.filter(isFileLike);
  const [found] = existing;
  const home = homeDirectory(place);
  const ownFolders = files.map(folderOf).filter((folder) => folder !== home);
  const inFolder = files.find((file) => ownFolders.includes(folderOf(file)) && existsSync(folderOf(file)));
  const sign = signs.find((path) => existsSync(path));
  const atSign = sign === undefined ? undefined : files.find((file) => file.startsWith(sign));
  const file = found ?? inFolder ?? atSign ?? files[0] ?? null;
  return {
    row,
    file,
    files: found === undefined && file !== null ? [file] : existing,
    hasFile: found !== undefined,
    isInstalled: [found, inFolder, sign].some((path) => path !== undefined) || hasCommand(row, place),
    looked: [...new Set([...signs, ...ownFolders])],
  };
}

const hasCommand = (row: ClientRow, place: Place): boolean =>
  row.connection === 'command' && ClaudeCommand.find(place) !== null;

const folderOf = (path: string): string => path.replace(/[/\\][^/\\]*$/, '');

/** Whether something has that name, even a link that leads nowhere. */
function isFileLike(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
