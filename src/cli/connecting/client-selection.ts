import { clientIds } from '../../clients/client-ids.ts';
import type { ClientRow } from '../../clients/row.ts';
import { clientRows } from '../../clients/table.ts';
import { GatewayError } from '../../errors.ts';

/** The clients that a command line names, in the order of the table. Throws `usage` if it names none, or all and some. */
export function selectedClients(
  words: readonly string[],
  isAll: boolean,
  command: string,
): readonly ClientRow[] {
  if (isAll && words.length > 0) {
    throw new GatewayError('usage', `--all stands for all clients: leave it out, or "${words.join(' ')}"`);
  }
  if (!isAll && words.length === 0) {
    throw new GatewayError(
      'usage',
      `"mcpstead ${command}" needs a client, or --all: ${clientIds.join(', ')}`,
    );
  }
  return isAll ? clientRows : clientRows.filter(({ id }) => words.includes(id));
}

/** Throws `usage` if JSON is wanted for something that needs a question: what it is about would not be shown. */
export function requireAnswer({
  json,
  yes,
  'dry-run': isDry,
}: {
  json: boolean;
  yes: boolean;
  'dry-run': boolean;
}): void {
  if (json && !yes && !isDry)
    throw new GatewayError('usage', '--json asks no question: pass --yes, too, or --dry-run');
}
