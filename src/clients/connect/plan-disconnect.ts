import type { Place } from '../../config/places.ts';
import { GatewayError } from '../../errors.ts';
import { gatewayView } from '../gateway-view.ts';
import type { ClientRow } from '../row.ts';
import { openBackups, type StoredBackup } from './backup.ts';
import { readDocument } from './client-document.ts';
import { entriesOf, withEntries } from './client-text.ts';
import { locate } from './installed.ts';
import { SpliceRefusal } from './splice.ts';
import { type Undone, undo } from './undo.ts';

/** What `disconnect` is going to do with a file of a client. */
export type DisconnectPlan = { readonly row: ClientRow; readonly file: string | null } & (
  | DisconnectEdit
  | { readonly kind: 'not_connected' }
  | { readonly kind: 'refused'; readonly reason: string }
);

/** A change of a client's file. */
export interface DisconnectEdit {
  readonly kind: 'edit';
  readonly file: string;
  /** The text of the file now. */
  readonly current: string;
  readonly undone: Undone;
  /** Null if the entries were found without one. */
  readonly backup: StoredBackup | null;
  /** Whether the whole file comes from the backup, whatever the client's own command would do. */
  readonly isRestored: boolean;
}

/**
 * What to do for one client: one plan for each of its files that is connected, at least one. It writes nothing.
 * @param isRestored whether the files as a whole are to come from the backups
 * @param port of the gateway, by which its entries are recognized where there is no backup
 */
export function planDisconnect(
  row: ClientRow,
  place: Place,
  isRestored: boolean,
  port: number,
): readonly DisconnectPlan[] {
  try {
    const backups = openBackups(place, row.id);
    if (backups.length > 0)
      return backups.map((backup) => refusing(row, backup.file, () => fromBackup(row, backup, isRestored)));
  } catch (error) {
    if (error instanceof GatewayError) return [{ row, file: null, kind: 'refused', reason: error.message }];
    throw error;
  }
  const { files } = locate(row, place);
  const plans = files.map((file) =>
    refusing(row, file, () => (isRestored ? withoutBackup(file) : bySight(row, file, port))),
  );
  const telling = plans.filter(({ kind }) => kind !== 'not_connected');
  if (telling.length > 0) return telling;
  return plans.length > 0 ? plans.slice(0, 1) : [{ row, file: null, kind: 'not_connected' }];
}

function refusing(row: ClientRow, file: string, plan: () => DisconnectPlan): DisconnectPlan {
  try {
    return plan();
  } catch (error) {
    if (error instanceof SpliceRefusal)
      return { row, file, kind: 'refused', reason: `${file}: ${error.message}` };
    if (error instanceof GatewayError) return { row, file, kind: 'refused', reason: error.message };
    throw error;
  }
}

function fromBackup(row: ClientRow, backup: StoredBackup, isRestored: boolean): DisconnectPlan {
  const { file, path } = backup;
  const current = readDocument(file);
  if (isRestored && current !== backup.written) {
    const advice = `"mcpstead disconnect ${row.id}" takes the gateway out and keeps the other changes. The backup is ${path}`;
    return {
      row,
      file,
      kind: 'refused',
      reason: `${file} was changed since it was connected, and --restore would undo that, too: ${advice}`,
    };
  }
  if (current === null) return { row, file, kind: 'not_connected' };
  return { row, kind: 'edit', file, current, undone: undo(row, current, backup), backup, isRestored };
}

function withoutBackup(file: string): DisconnectPlan {
  throw new SpliceRefusal(`there is no backup of ${file} to restore`);
}

/** Removes the entries for the whole gateway. What those for a view have replaced is unknown, so they stay. */
function bySight(row: ClientRow, file: string, port: number): DisconnectPlan {
  const current = readDocument(file);
  if (current === null) return { row, file, kind: 'not_connected' };
  const views = Object.entries(entriesOf(current, row)).map(
    ([name, entry]) => [name, gatewayView(entry, port)] as const,
  );
  const removed = views.flatMap(([name, view]) => (view === '' ? [name] : []));
  const kept = views.flatMap(([name, view]) => (view ? [name] : []));
  if (removed.length === 0 && kept.length === 0) return { row, file, kind: 'not_connected' };
  if (removed.length === 0) {
    const why = 'lead to the gateway, and there is no backup of what they replaced: change them by hand';
    throw new SpliceRefusal(`its entries ${kept.join(', ')} ${why}`);
  }
  const text = withEntries(
    current,
    row,
    removed.map((name) => ({ name, value: undefined })),
  );
  const undone = { text, removed, restored: [], kept };
  return { row, kind: 'edit', file, current, undone, backup: null, isRestored: false };
}
