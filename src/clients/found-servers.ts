import { defaultPort } from '../config/default-port.ts';
import type { Place } from '../config/places.ts';
import { readClients } from './collect.ts';
import { gatewayView } from './gateway-view.ts';

/** How many servers the files of clients have. */
interface FoundServers {
  readonly count: number;
  /** The titles of the clients that have some, in the order of the table. */
  readonly clients: readonly string[];
}

/** Counts the servers of all clients of this user, those of projects left out. It reads files, and writes none. */
export function findServers(place: Place): FoundServers {
  const servers = readClients(place, null)
    .flatMap((file) => file.servers)
    .filter(({ folder, raw }) => folder === null && gatewayView(raw, defaultPort) === null);
  return { count: servers.length, clients: [...new Set(servers.map(({ row }) => row.title))] };
}
