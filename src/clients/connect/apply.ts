import type { Place } from '../../config/places.ts';
import type { ClientRow } from '../row.ts';
import { dropBackup, type StoredBackup, storeBackup, updateBackup } from './backup.ts';
import { ClaudeCommand } from './claude-command.ts';
import { readDocument, writeDocument } from './client-document.ts';
import { type EntryChange, entriesOf, withEntries } from './client-text.ts';
import type { ConnectEdit } from './plan.ts';
import type { DisconnectEdit } from './plan-disconnect.ts';
import { SpliceRefusal } from './splice.ts';
import { isSameTarget } from './undo.ts';

/**
 * Makes a planned change, after a backup. Resolves to the backup. Rejects with a GatewayError or a SpliceRefusal, and leaves the
 * file as it was, if that fails.
 */
export async function applyConnect(row: ClientRow, edit: ConnectEdit, place: Place): Promise<StoredBackup> {
  const { file, current, original, text, entries, previous } = edit;
  const at = new Date().toISOString();
  const backup = storeBackup(place, {
    version: 1,
    client: row.id,
    file,
    at,
    original,
    written: text,
    entries,
    // A connection that only takes back a former one leaves nothing to undo.
    isUndone: entries.length === 0,
  });
  const claude = claudeOf(row, place);
  try {
    if (claude === null) writeDocument(file, current, text);
    else {
      const written = await setByCommand(claude, row, edit);
      // The command may write the file in its own way.
      if (written !== text) updateBackup(backup, { written });
    }
  } catch (error) {
    dropBackup(backup);
    throw error;
  }
  if (previous !== null) updateBackup(previous, { isUndone: true });
  return backup;
}

/** Takes the gateway out of a file again. Rejects like {@link applyConnect}. */
export async function applyDisconnect(row: ClientRow, edit: DisconnectEdit, place: Place): Promise<void> {
  const { file, current, undone, backup, isRestored } = edit;
  const claude = isRestored ? null : claudeOf(row, place);
  if (claude === null) {
    if (undone.text !== current) writeDocument(file, current, undone.text);
  } else await undoByCommand(claude, row, edit);
  if (backup !== null) updateBackup(backup, { isUndone: true });
}

async function undoByCommand(claude: ClaudeCommand, row: ClientRow, edit: DisconnectEdit): Promise<void> {
  const { file, current, undone } = edit;
  // What is put back may hold secrets, which others could see in the arguments of a command.
  if (undone.restored.length > 0) {
    const values = entriesOf(undone.text ?? '', row);
    setInFile(
      file,
      row,
      current,
      undone.restored.map((name) => ({ name, value: values[name] })),
    );
  }
  for (const name of undone.removed) await claude.remove(name);
  const left = entriesOf(readDocument(file) ?? '', row);
  const stuck = undone.removed.filter((name) => left[name] !== undefined);
  if (stuck.length > 0)
    throw new SpliceRefusal(`"claude mcp remove" has left ${stuck.join(', ')} in ${file}`);
}

function claudeOf(row: ClientRow, place: Place): ClaudeCommand | null {
  return row.connection === 'command' ? ClaudeCommand.find(place) : null;
}

/** Sets the entries of a change by the command. Returns the text of the file then; if that fails, the entries are as before. */
async function setByCommand(claude: ClaudeCommand, row: ClientRow, edit: ConnectEdit): Promise<string> {
  const { file, current, text, entries } = edit;
  const before = entriesOf(current ?? '', row);
  const wanted = entriesOf(text, row);
  const ours = new Set(entries.map(({ name }) => name));
  const changed = [...new Set([...Object.keys(before), ...Object.keys(wanted)])].filter(
    (name) => !Bun.deepEquals(before[name], wanted[name]),
  );
  try {
    const returned = changed.filter((name) => wanted[name] !== undefined && !ours.has(name));
    // What a former connection had replaced may hold secrets, which others could see in the arguments of a command.
    if (returned.length > 0)
      setInFile(
        file,
        row,
        current,
        returned.map((name) => ({ name, value: wanted[name] })),
      );
    for (const name of changed) {
      if (returned.includes(name)) continue;
      if (before[name] !== undefined) await claude.remove(name);
      if (wanted[name] !== undefined) await claude.add(name, wanted[name]);
    }
    const written = readDocument(file) ?? '';
    const now = entriesOf(written, row);
    const wrong = changed.filter(
      (name) => wanted[name] !== undefined && !isSameTarget(now[name], wanted[name]),
    );
    if (wrong.length === 0) return written;
    throw new SpliceRefusal(`"claude mcp add-json" has not written ${wrong.join(', ')} to ${file}`);
  } catch (error) {
    const now = readDocument(file);
    const values = changed.map((name) => ({ name, value: before[name] }));
    if (now !== null && now !== current) setInFile(file, row, now, values);
    throw error;
  }
}

function setInFile(
  file: string,
  row: ClientRow,
  current: string | null,
  changes: readonly EntryChange[],
): void {
  writeDocument(file, current, withEntries(current ?? '', row, changes));
}
