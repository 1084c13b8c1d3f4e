import { connectionOf } from '../../clients/connect/connection.ts';
import { clientRows } from '../../clients/table.ts';
import { GatewayError } from '../../errors.ts';
import type { ConnectListReport } from '../contracts/connect.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { columns } from '../terminal/columns.ts';
import { printJson } from '../terminal/print.ts';
import { shownPath } from '../terminal/shown-path.ts';
import { gatewayPort } from './gateway-port.ts';
import { tell } from './tell.ts';

/** Shows which clients are installed and connected, and their files. Resolves to 0. */
export function listClients(words: readonly string[], isJson: boolean, config: string | undefined): ExitCode {
  if (words.length > 0)
    throw new GatewayError('usage', `--list shows all clients: leave out "${words.join(' ')}"`);
  const port = gatewayPort(config);
  const states = clientRows.map((row) => connectionOf(row, place, port));
  if (isJson) {
    const clients = states.map(({ row, file, isInstalled, entries, fault }) => ({
      client: row.id,
      title: row.title,
      file,
      installed: isInstalled,
      connected: entries.length > 0,
      entries: entries.map(({ name }) => name),
      fault,
    }));
    printJson({ clients } satisfies ConnectListReport);
    return 0;
  }
  const rows = states.map(({ row, file, isInstalled, entries, fault }) => [
    row.id,
    fault !== null
      ? 'unreadable'
      : entries.length > 0
        ? 'connected'
        : isInstalled
          ? 'installed'
          : 'not found',
    fault ?? (file === null ? '' : shownPath(file, place)),
  ]);
  for (const line of columns(rows)) tell(line);
  return 0;
}
