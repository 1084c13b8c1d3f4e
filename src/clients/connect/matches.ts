import type { ClientServer } from '../client-server.ts';
import { clientFile } from '../collect.ts';
import { gatewayView } from '../gateway-view.ts';
import { matchServer, type PlanContext } from '../plan.ts';
import { parseClientText } from '../read-file.ts';
import type { ClientRow } from '../row.ts';

/** A server in a client's file, and whether its entry is to lead to the gateway. */
export interface ServerMatch {
  /** Its key there. */
  readonly key: string;
  /** Its name in the gateway's configuration; null if it stays as it is. */
  readonly server: string | null;
  /** Why it stays; null if it does not. */
  readonly reason: string | null;
}

/**
 * Which servers of a client's file the gateway has, too, by their target and their credentials, whatever their names.
 * @param disabled the names of the servers that the gateway does not serve
 */
export function serverMatches(
  row: ClientRow,
  file: string,
  text: string,
  context: PlanContext,
  disabled: ReadonlySet<string>,
): readonly ServerMatch[] {
  return clientFile(row, file, null, parseClientText(text, row.format)).servers.map((source) => {
    const server = matchServer(source, context);
    const reason = reasonToKeep(source, server, context, disabled);
    return { key: source.key, server: reason === null ? server : null, reason };
  });
}

function reasonToKeep(
  { row, raw, folder, isOff }: ClientServer,
  server: string | null,
  { port }: PlanContext,
  disabled: ReadonlySet<string>,
): string | null {
  if (folder !== null) return 'project server';
  if (gatewayView(raw, port) !== null) return 'leads to mcpstead';
  if (server === null) return 'not imported';
  const isSwitchedOff = isOff || (row.off !== null && raw[row.off[0]] === row.off[1]);
  if (isSwitchedOff) return `switched off in ${row.title}`;
  return disabled.has(server) ? 'disabled in mcpstead' : null;
}
