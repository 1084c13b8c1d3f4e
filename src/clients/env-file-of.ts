import { homeDirectory, type Place } from '../config/places.ts';
import type { ClientServer } from './client-server.ts';
import { bytesOf } from './read-file.ts';

/** More than a process takes. */
const maxChars = 1024 * 1024;

/** The variables in the `envFile` of a server. @param path null: it depends on a variable */
export function envFileOf(
  path: string | null,
  server: ClientServer,
  place: Place,
): { readonly variables: Readonly<Record<string, string>> } | { readonly fault: string } {
  if (path === null) return { fault: 'depends on a variable' };
  const isAbsolute = /^(?:[/\\]|[A-Za-z]:[/\\])/.test(path);
  const home = homeDirectory(place);
  if (!isAbsolute && !path.startsWith('~/') && server.folder === null)
    return { fault: 'is relative to a project' };
  const whole = isAbsolute
    ? path
    : path.startsWith('~/')
      ? `${home}${path.slice(1)}`
      : `${server.folder}/${path}`;
  const found = bytesOf(whole);
  if (found === null) return { fault: `${whole} does not exist` };
  if ('fault' in found) return { fault: `${whole} ${found.fault}` };
  if (found.text.length > maxChars) return { fault: `${whole} is larger than 1 MiB` };
  return { variables: variablesOf(found.text) };
}

/** `NAME=value` lines as programs write them: `export` before it, quotes around it, a comment after it. */
function variablesOf(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const [, double, single] = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/.exec(value) ?? [];
    const plain = value.replace(/\s+#.*$/, '').trim();
    variables[name] = double?.replace(/\\n/g, '\n').replace(/\\(["\\$])/g, '$1') ?? single ?? plain;
  }
  return variables;
}
