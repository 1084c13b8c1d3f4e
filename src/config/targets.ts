import { displayUrl } from '../observability/redact.ts';
import type { YamlFile } from './document.ts';
import { hasForeignKeyFor } from './foreign-keys.ts';
import type { Problem } from './problems.ts';
import { isRecord, type Mapping, type Path } from './values.ts';

// A server has one target: the `url` to connect to, or the `command` to start. The other keys fit one of them only.

/** Keys that only a server with a `command` has, and those that only one with a `url` has. */
const commandKeys = ['args', 'env', 'cwd'];
const urlKeys = ['headers', 'tls_skip_verify', 'quirks', 'auth'];

/** An issue in the form of those of the schema. */
export interface TargetIssue {
  readonly code: 'invalid_type';
  readonly expected: 'string';
  readonly path: PropertyKey[];
  readonly message: string;
}

/** An issue for each server that has neither a `url` nor a `command`. */
export function missingTargets(servers: unknown): TargetIssue[] {
  return (Array.isArray(servers) ? servers : []).flatMap((server, index) => {
    if (!isRecord(server) || Array.isArray(server) || hasForeignKeyFor('url', server)) return [];
    if (server.url !== undefined || server.command !== undefined) return [];
    const message = 'an http:// or https:// URL, or a "command" to start';
    return [{ code: 'invalid_type', expected: 'string', path: ['servers', index, 'url'], message }];
  });
}

/** The problems of a server, at `path`, with two targets or with keys that do not fit its target. */
export function targetProblems(server: Mapping, path: Path, file: YamlFile): Problem[] {
  const index = path.at(-1);
  const at = (key: string) => file.keySpanOf([...path, key]);
  const has = (key: string) => server[key] !== undefined;
  if (has('url') && has('command')) {
    const related = { span: at('url'), message: 'the url' };
    const message = `servers[${index}] has a url and a command; keep one of them`;
    return [{ span: at('command'), message, related }];
  }
  if (!has('url') && !has('command')) return [];
  const [kind, foreign] = has('command') ? (['command', urlKeys] as const) : (['url', commandKeys] as const);
  const problems = foreign
    .filter((key) => has(key) && !(key === 'auth' && server.auth === 'none'))
    .map((key) => ({ span: at(key), message: `servers[${index}].${key}: ${reasonAgainst(kind, key)}` }));
  const protocols = kind === 'command' ? ['auto', 'stdio'] : ['auto', 'streamable', 'sse'];
  const { protocol } = server;
  const isKnown = ['auto', 'streamable', 'sse', 'stdio'].includes(String(protocol));
  if (isKnown && !protocols.includes(String(protocol))) {
    const message =
      kind === 'command'
        ? `a server with a command speaks stdio, not ${protocol}; remove it`
        : 'stdio needs a "command" to start; with a url, remove it: the transport is detected';
    problems.push({
      span: file.spanOf([...path, 'protocol']),
      message: `servers[${index}].protocol: ${message}`,
    });
  }
  return problems;
}

function reasonAgainst(kind: 'command' | 'url', key: string): string {
  if (kind === 'url') return 'it is for servers with a "command"; this one has a url';
  const secrets = key === 'headers' || key === 'auth' ? '; give the process its secrets with "env"' : '';
  return `it is for servers with a url; this one has a command${secrets}`;
}

/** The parts of a server that name its target. */
interface TargetKeys {
  readonly url?: string | undefined;
  readonly command?: string | undefined;
}

/** A server's target as people may see it: its URL without user info and query, or the base name of its command. */
export function shownTarget({ url, command }: TargetKeys): string {
  if (url !== undefined) return displayUrl(url);
  // Some write the arguments into it, which are secret.
  const [program = ''] = (command ?? '').split(/\s+(?=-)/);
  const path = /^(?:[/\\.~]|[A-Za-z]:)/.test(program) ? program : program.replace(/\s.*/s, '');
  const base = path.replace(/^.*[/\\](?=.)/s, '');
  return base === '' ? 'unknown' : base;
}
