import { readClients } from '../../clients/collect.ts';
import { connectionOf } from '../../clients/connect/connection.ts';
import { type PlannedServer, planImport } from '../../clients/plan.ts';
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

/**
 * Whether clients connect to the gateway. Problems are servers of the gateway that a client also starts itself, and views that the
 * gateway does not have.
 */
export function clientChecks(configured: ConfiguredServers, place: Place): Check[] {
  const { value, port, variables } = configured;
  const vault = new Vault(variables, place.env);
  const context = { place, configured: value, port, vault, project: null };
  const planned = planImport(readClients(place, null), context);
  const isMissing = missingViews(value);
  const checks = clientRows.flatMap((row): Check[] => {
    const { file, entries, fault } = connectionOf(row, place, port);
    if (fault !== null) return [unreadable(row, file, fault, place)];
    const views = entries.flatMap(({ view }) => view ?? []).filter(isMissing);
    const problems = [...doubledServers(row, planned), ...lostViews(row, views)];
    if (problems.length > 0 || entries.length === 0) return problems;
    const names = entries.map(({ name }) => safeLine(name, 60));
    return [good('clients', `connects to the gateway (${names.join(', ')})`, row.id)];
  });
  if (checks.some(({ status }) => status === 'ok')) return checks;
  return [...checks, note('clients', 'no client connects to the gateway', 'mcpstead connect --list')];
}

function unreadable({ id }: ClientRow, file: string | null, fault: string, place: Place): Check {
  const fix = file && `fix ${shownPath(file, place)}`;
  return problem('clients', `its file cannot be read: ${safeLine(fault, 300)}`, fix, id);
}

function doubledServers({ id }: ClientRow, planned: readonly PlannedServer[]): Check[] {
  const names = planned
    .filter(({ action }) => action === 'present')
    .flatMap(({ sources }) => sources)
    .filter(({ row, folder, isOff }) => row.id === id && folder === null && !isOff)
    .map(({ key }) => safeLine(key, 60));
  if (names.length === 0) return [];
  const what = `it still has ${names.join(', ')} itself, which the gateway has, too`;
  return [problem('clients', what, `mcpstead connect ${id} --replace`, id)];
}

/** @param views those that the gateway does not have */
function lostViews({ id }: ClientRow, views: readonly string[]): Check[] {
  if (views.length === 0) return [];
  const paths = views.map((view) => `/mcp/${view}`).join(', ');
  const what = `it connects to ${safeLine(paths, 200)}, which the gateway does not have`;
  return [problem('clients', what, `mcpstead disconnect ${id}, then mcpstead connect ${id} --replace`, id)];
}

/** Tells whether the gateway lacks a view. Without a list of servers, it lacks none. */
function missingViews({ servers, profiles }: Mapping): (view: string) => boolean {
  if (!Array.isArray(servers)) return () => false;
  const names = new Set([servers, profiles].flat().map((each) => (isRecord(each) ? each.name : null)));
  return (view) => view !== '' && !names.has(view);
}
