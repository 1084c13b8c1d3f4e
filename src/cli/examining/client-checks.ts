import { readClients } from '../../clients/collect.ts';
import { connectionOf } from '../../clients/connect/connection.ts';
import { planImport } from '../../clients/plan.ts';
import type { ClientRow } from '../../clients/row.ts';
import { clientRows } from '../../clients/table.ts';
import { Vault } from '../../clients/vault.ts';
import type { Place } from '../../config/places.ts';
import { isRecord, type Mapping } from '../../config/values.ts';
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

/** Which clients connect to the gateway, which start servers themselves that it has, and which want what it has not. */
export function clientChecks({ value, port, variables }: ConfiguredServers, place: Place): Check[] {
  const files = readClients(place, null);
  const vault = new Vault(variables, place.env);
  const planned = planImport(files, { place, configured: value, port, vault, project: null });
  const isMissing = missingViews(value);
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
          file && `fix ${shownPath(file, place)}`,
          name,
        ),
      ];
    const doubled = own(row);
    const lost = entries.flatMap(({ view }) => (view !== null && isMissing(view) ? [`/mcp/${view}`] : []));
    const reconnect = `mcpstead connect ${name} --replace`;
    const problems = [
      ...(doubled.length === 0
        ? []
        : [
            problem(
              'clients',
              `it still has ${doubled.join(', ')} itself, which the gateway has, too`,
              reconnect,
              name,
            ),
          ]),
      ...(lost.length === 0
        ? []
        : [
            problem(
              'clients',
              `it connects to ${safeLine(lost.join(', '), 200)}, which the gateway does not have`,
              `mcpstead disconnect ${name}, then ${reconnect}`,
              name,
            ),
          ]),
    ];
    if (problems.length > 0 || entries.length === 0) return problems;
    const names = entries.map((entry) => safeLine(entry.name, 60));
    return [good('clients', `connects to the gateway (${names.join(', ')})`, name)];
  });
  if (checks.some(({ status }) => status === 'ok')) return checks;
  return [...checks, note('clients', 'no client connects to the gateway', 'mcpstead connect --list')];
}

/** Whether a view of this name leads nowhere. Without a list of servers nothing is said. */
function missingViews({ servers, profiles }: Mapping): (view: string) => boolean {
  if (!Array.isArray(servers)) return () => false;
  const names = new Set([servers, profiles].flat().map((each) => (isRecord(each) ? each.name : null)));
  return (view) => view !== '' && !names.has(view);
}
