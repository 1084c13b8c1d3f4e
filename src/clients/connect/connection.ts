import type { Place } from '../../config/places.ts';
import { GatewayError } from '../../errors.ts';
import { gatewayView } from '../gateway-view.ts';
import type { ClientRow } from '../row.ts';
import { lastBackup, type StoredBackup } from './backup.ts';
import { readDocument } from './client-document.ts';
import { entriesOf } from './client-text.ts';
import { locate } from './installed.ts';
import { SpliceRefusal } from './splice.ts';
import { isSameTarget } from './undo.ts';

/** An entry of a client that leads to the gateway. */
interface ConnectedEntry {
  readonly name: string;
  /** The view of the entry: empty for the whole gateway; null if only a backup shows that the entry leads to the gateway. */
  readonly view: string | null;
}

/** Whether and how a client is connected to the gateway. */
interface ClientConnection {
  readonly row: ClientRow;
  readonly file: string | null;
  readonly isInstalled: boolean;
  /** Its entries that lead to a gateway of this machine. */
  readonly entries: readonly ConnectedEntry[];
  /** Why its file cannot be read; null if it can. */
  readonly fault: string | null;
}

/**
 * Looks whether a client is connected. Of several files, the first one with the gateway in it counts. It only reads.
 * @param port of the gateway
 */
export function connectionOf(row: ClientRow, place: Place, port: number): ClientConnection {
  const { files, isInstalled } = locate(row, place);
  const states = files.map((file) => ({ row, file, isInstalled, ...contentOf(row, file, place, port) }));
  const none = { row, file: null, isInstalled, entries: [], fault: null };
  return states.find(({ entries }) => entries.length > 0) ?? states[0] ?? none;
}

function contentOf(
  row: ClientRow,
  file: string,
  place: Place,
  port: number,
): Pick<ClientConnection, 'entries' | 'fault'> {
  try {
    const text = readDocument(file);
    const written = backupOf(place, row, file)?.entries ?? [];
    const entries = Object.entries(text === null ? {} : entriesOf(text, row)).flatMap(([name, entry]) => {
      const view = gatewayView(entry, port);
      const isOurs =
        view !== null || written.some((one) => one.name === name && isSameTarget(entry, one.after));
      return isOurs ? [{ name, view }] : [];
    });
    return { entries, fault: null };
  } catch (error) {
    if (error instanceof SpliceRefusal) return { entries: [], fault: `${file}: ${error.message}` };
    if (error instanceof GatewayError) return { entries: [], fault: error.message };
    throw error;
  }
}

/** Without a home there are no backups, and still a file to look at. */
function backupOf(place: Place, row: ClientRow, file: string): StoredBackup | null {
  try {
    return lastBackup(place, row.id, file);
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}
