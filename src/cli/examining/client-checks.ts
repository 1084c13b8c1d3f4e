import { readClients } from '../../clients/collect.ts';
import { connectionOf } from '../../clients/connect/connection.ts';
import { planImport } from '../../clients/plan.ts';
import type { ClientRow } from '../../clients/row.ts';
import { clientRows } from '../../clients/table.ts';
import { Vault } from '../../clients/vault.ts';
import type { Place } from '../../config/places.ts';
import type { Mapping } from '../../config/values.ts';
import type { Check } from '../contracts/doctor.ts';
import { safeLine } from '../terminal/safe-text.ts';
import { shownPath } from '../terminal/shown-path.ts';
import { good, note, problem } from './checks.ts';

/** What the configuration has, to which the servers of clients are compared. */
interface ConfiguredServers {
  /** As the file has it. */
  readonly value: Mapping;
  readonly port: number;
  /** Of `mcpstead.env`. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Which clients connect to the gateway, and which still start servers themselves that the gateway has. */
export function clientChecks({ value, port, variables }: ConfiguredServers, place: Place): Check[] {
  const files = readClients(place, null);
  const vault = new Vault(variables, place.env);
  const planned = planImport(files, { place, configured: value, port, vault, project: null });
  const own = (row: ClientRow) =>
    planned
      .filter(({ action }) => action === 'present')
      .flatMap(({ sources }) =>
        sources.filter((source) => source.row.id === row.id && source.folder === null && !source.isOff),
      )
      .map(({ key }) => safeLine(key, 60));
  const checks = clientRows.flatMap((row): Check[] => {
    const { file, entries, fault } = connectionOf(row, place, port);
    const name = row.id;
    if (fault !== null)
      return [
        problem(
          'clients',
          `its file cannot be read: ${safeLine(fault, 300)}`,
          file && `mend ${shownPath(file, place)}`,
          name,
        ),
      ];
    const doubled = own(row);
    if (doubled.length > 0) {
      const what = `it still has ${doubled.join(', ')} itself, which the gateway has, too`;
      return [problem('clients', what, `mcpstead connect ${name} --replace`, name)];
    }
    return entries.length === 0
      ? []
      : [
          good(
            'clients',
            `connects to the gateway (${entries.map((key) => safeLine(key, 60)).join(', ')})`,
            name,
          ),
        ];
  });
  if (checks.some(({ status }) => status === 'ok')) return checks;
  return [...checks, note('clients', 'no client connects to the gateway', 'mcpstead connect --list')];
}
