import type { ClientRow } from '../row.ts';
import { withEntries } from './client-text.ts';

/** What a person pastes into the file of a client. @param entries by their names */
export function snippetOf(row: ClientRow, entries: Readonly<Record<string, unknown>>): string {
  const format = row.format === 'xml' ? 'jsonc' : row.format;
  const changes = Object.entries(entries).map(([name, value]) => ({ name, value }));
  return withEntries('', { format, key: row.key }, changes).trimEnd();
}
