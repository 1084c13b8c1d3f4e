import type { Place } from '../config/places.ts';
import { isRecord, type Mapping, valueAt } from '../config/values.ts';
import type { ClientFile, ClientInput, ClientServer } from './client-server.ts';
import { readClientFile } from './read-file.ts';
import type { ClientRow } from './row.ts';
import { clientRows } from './table.ts';

/** More servers than anybody has: a larger file is the wrong one. */
const maxServers = 1_000;

/**
 * Reads the files of clients and lists their servers. Files that do not exist are left out. It writes nothing.
 * @param project a folder whose files, and whose servers in files of the user, count as well; null: none
 */
export function readClients(
  place: Place,
  project: string | null,
  rows: readonly ClientRow[] = clientRows,
): ClientFile[] {
  return rows.flatMap((row) => {
    const user = row.userFiles(place).map((path) => ({ path, folder: null }));
    const own =
      project === null
        ? []
        : row.projectFiles.map((path) => ({ path: `${project}/${path}`, folder: project }));
    return [...user, ...own].flatMap(({ path, folder }) => {
      const result = readClientFile(path, row.format);
      return result === null ? [] : [clientFile(row, path, folder, result)];
    });
  });
}

/** The servers in the data of a file. @param folder the project that it belongs to */
export function clientFile(
  row: ClientRow,
  path: string,
  folder: string | null,
  result: { readonly value: unknown } | { readonly fault: string },
): ClientFile {
  if ('fault' in result) return { row, path, servers: [], fault: result.fault };
  const { value } = result;
  if (!isMapping(value))
    return { row, path, servers: [], fault: `is no mapping with "${row.key.join('.')}"` };
  const inputs = inputsOf(value.inputs);
  const common = { row, file: path, inputs };
  const isOff = offElsewhere(row, value);
  // 1MCP has servers that depend on the client.
  const templates = row.id === 'file' ? entriesOf(value.mcpTemplates) : [];
  const servers = [...entriesOf(valueAt(value, row.key)), ...templates].map(([key, raw]) => ({
    ...common,
    folder,
    key,
    raw,
    isOff: isOff(key),
  }));
  return {
    row,
    path,
    servers: [...servers, ...localServers(row, value, common)].slice(0, maxServers),
    fault: null,
  };
}

/** The entries of a mapping of servers, or of a list of servers with names. What is no mapping has nothing: people are told. */
function entriesOf(servers: unknown): [key: string, raw: Mapping][] {
  if (Array.isArray(servers)) {
    return servers.map((item, index) => {
      const raw = isMapping(item) ? item : {};
      return [typeof raw.name === 'string' ? raw.name : `server-${index + 1}`, raw];
    });
  }
  if (!isMapping(servers)) return [];
  return Object.entries(servers).map(([key, raw]) => [key, isMapping(raw) ? raw : {}]);
}

const isMapping = (value: unknown): value is Mapping => isRecord(value) && !Array.isArray(value);

/** The servers that Claude Code uses in one folder only: `projects[folder].mcpServers`. */
function localServers(
  row: ClientRow,
  value: Mapping,
  common: Pick<ClientServer, 'row' | 'file' | 'inputs'>,
): ClientServer[] {
  if (row.id !== 'claude-code' || !isMapping(value.projects)) return [];
  return Object.entries(value.projects).flatMap(([folder, project]) => {
    if (!isMapping(project)) return [];
    const off = textsOf(project.disabledMcpServers);
    return entriesOf(project.mcpServers).map(([key, raw]) => ({
      ...common,
      folder,
      key,
      raw,
      isOff: off.includes(key),
    }));
  });
}

/** Whether a file switches off the server with a key in another place than its entry. */
function offElsewhere(row: ClientRow, value: Mapping): (key: string) => boolean {
  if (row.id !== 'gemini-cli') return () => false;
  // Gemini CLI, settings.json, `mcp`.
  const { allowed, excluded } = isMapping(value.mcp) ? value.mcp : {};
  const [only, never] = [textsOf(allowed), textsOf(excluded)];
  return (key) => never.includes(key) || (only.length > 0 && !only.includes(key));
}

export const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

function inputsOf(inputs: unknown): Map<string, ClientInput> {
  const list = Array.isArray(inputs) ? inputs.filter(isMapping) : [];
  return new Map(
    list.map(({ id, description, default: byDefault }) => [
      String(id),
      {
        description: typeof description === 'string' ? description : null,
        byDefault: typeof byDefault === 'string' && byDefault !== '' ? byDefault : null,
      },
    ]),
  );
}
