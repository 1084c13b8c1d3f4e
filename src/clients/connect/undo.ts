import { isRecord } from '../../config/values.ts';
import type { ClientRow } from '../row.ts';
import type { Backup } from './backup.ts';
import {
  type EntryChange,
  entriesOf,
  hasServers,
  isEmptyFile,
  isTextWith,
  withEntries,
} from './client-text.ts';
import { mergeTexts } from './merge.ts';
import { SpliceRefusal } from './splice.ts';

/** A file without the gateway. */
export interface Undone {
  /** Null: the file goes, because `connect` has made it. */
  readonly text: string | null;
  /** The entries that go, and those that are put back. */
  readonly removed: readonly string[];
  readonly restored: readonly string[];
  /** The entries that a person has changed since into something else, and that stay. */
  readonly kept: readonly string[];
}

/**
 * The text of a client's file without what the connection has written. If nothing else changed since, it is the original one, byte
 * by byte; otherwise the other changes stay. Throws a SpliceRefusal if the entries cannot be taken out.
 */
export function undo(row: ClientRow, current: string | null, backup: Backup): Undone {
  const names = backup.entries.map(({ name }) => name);
  const isNew = (name: string) =>
    backup.entries.every((entry) => entry.name !== name || entry.before === undefined);
  const sorted = (of: readonly string[]) => ({
    removed: of.filter(isNew),
    restored: of.filter((name) => !isNew(name)),
  });
  if (current === backup.written) return { text: backup.original, ...sorted(names), kept: [] };
  if (current === null) return { text: null, removed: [], restored: [], kept: [] };
  const present = entriesOf(current, row);
  const ours = backup.entries.filter(({ name, after }) => isSameTarget(present[name], after));
  // What is gone, or as it was, needs nothing.
  const kept = backup.entries.filter(
    ({ name, before, after }) =>
      present[name] !== undefined &&
      !isSameTarget(present[name], after) &&
      !Bun.deepEquals(present[name], before),
  );
  const changes = ours.map(({ name, before }): EntryChange => ({ name, value: before }));
  const original = backup.original;
  const isMadeByUs = original === null || !hasServers(original, row);
  const text =
    merged(row, current, backup, changes, isMadeByUs) ?? withEntries(current, row, changes, isMadeByUs);
  return {
    text: original === null && isEmptyFile(text, row) ? null : text,
    ...sorted(ours.map(({ name }) => name)),
    kept: kept.map(({ name }) => name),
  };
}

/** The changes since and the undone ones together, line by line; null if that is not exactly what undoing means. */
function merged(
  row: ClientRow,
  current: string,
  backup: Backup,
  changes: readonly EntryChange[],
  isMadeByUs: boolean,
): string | null {
  if (backup.original === null) return null;
  const text = mergeTexts(backup.written, current, backup.original);
  try {
    return text !== null && isTextWith(text, current, row, changes, isMadeByUs) ? text : null;
  } catch (error) {
    if (error instanceof SpliceRefusal) return null;
    throw error;
  }
}

/** The keys that say what an entry starts or where it leads. Clients add others: what is always allowed, what is switched off. */
const targetKeys = ['url', 'serverUrl', 'httpUrl', 'uri', 'command', 'cmd', 'args'];

/** Whether an entry in a file leads to where the written one leads. */
export function isSameTarget(entry: unknown, written: unknown): boolean {
  if (!isRecord(entry) || !isRecord(written)) return false;
  return targetKeys.every((key) => Bun.deepEquals(entry[key], written[key]));
}
