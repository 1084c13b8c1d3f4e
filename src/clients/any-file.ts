import type { Place } from '../config/places.ts';
import { isRecord, type Mapping } from '../config/values.ts';
import type { ClientFile } from './client-server.ts';
import { clientFile } from './collect.ts';
import { bytesOf, parseClientText, type ReadResult } from './read-file.ts';
import type { ClientRow } from './row.ts';
import { clientRows } from './table.ts';

/** A file of an unknown program that has `mcpServers`, as clients and other gateways do. */
const unknownProgram: ClientRow = {
  id: 'file',
  title: 'the file',
  userFiles: () => [],
  projectFiles: [],
  format: 'jsonc',
  key: ['mcpServers'],
  stdio: (command, args) => ({ command, args }),
  nameKey: null,
  remote: null,
  variables: ['shell', 'env', 'input', 'file', 'folders', 'braces'],
  off: ['disabled', true],
  timeoutUnit: null,
  connection: 'none',
  restart: '',
};

/** Reads a file that a person names; null if there is none. @param project the folder that it belongs to, or null */
export function readAnyFile(path: string, place: Place, project: string | null): ClientFile | null {
  const found = bytesOf(path);
  if (found === null) return null;
  const owner = clientRows.find((row) => [...row.userFiles(place)].includes(path));
  if ('fault' in found) return clientFile(owner ?? unknownProgram, path, project, found);
  if (owner !== undefined) return clientFile(owner, path, project, parseClientText(found.text, owner.format));
  return fileOfText(found.text, path, project);
}

/** The servers in a text of unknown origin. @param path where it comes from */
export function fileOfText(text: string, path: string, project: string | null): ClientFile {
  const result = parsed(text, path);
  if ('fault' in result) return clientFile(unknownProgram, path, project, result);
  const row = rowOf(result.value);
  if (row !== null) return clientFile(row, path, project, result);
  // The mapping of servers alone: `{"github": {"command": …}}`
  if (!isRecord(result.value) || !Object.values(result.value).some(looksLikeServer)) {
    const fault = `has no servers: expected ${[...new Set(clientRows.map(({ key }) => `"${key[0]}"`))].join(', ')}`;
    return clientFile(unknownProgram, path, project, { fault });
  }
  return clientFile(unknownProgram, path, project, { value: { mcpServers: result.value } });
}

function parsed(text: string, path: string): ReadResult {
  if (/\.toml$/i.test(path)) return parseClientText(text, 'toml');
  if (/\.ya?ml$/i.test(path)) return parseClientText(text, 'yaml');
  const json = parseClientText(text, 'jsonc');
  if (!('fault' in json) || /^\uFEFF?\s*(?:\{|\[\s*\{|\/[/*])/.test(text)) return json;
  const toml = parseClientText(text, 'toml');
  return 'fault' in toml ? parseClientText(text, 'yaml') : toml;
}

/** The client whose key the data has; null: none. */
function rowOf(value: unknown): ClientRow | null {
  if (!isRecord(value)) return null;
  if (value.mcpServers !== undefined) return unknownProgram;
  return clientRows.find(({ key: [key = ''] }) => isRecord(value[key])) ?? null;
}

const looksLikeServer = (value: unknown): value is Mapping =>
  isRecord(value) &&
  ['command', 'cmd', 'url', 'serverUrl', 'httpUrl', 'uri'].some((key) => value[key] !== undefined);
