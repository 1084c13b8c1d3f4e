import { levelOf, notes, reasonAgainst, variablesAreText, wordFor } from './foreign-words.ts';
import { parseDurationMs, parseNumber, parseSizeBytes } from './quantities.ts';
import { isHost, serverNameExpected } from './rules.ts';
import { hasKey, isRecord, type Mapping, type Path, placeOf } from './values.ts';
import { foreignReferenceIn, referenceAdvice } from './variables.ts';

// Advice on values in the form of other programs, to follow "; " in a message. It is derived from the text of the file, never
// from the value of a variable, and repeats only numbers, hosts and names: any other value may be a secret.

/** The keys that a single value in place of a section is meant for, each with the conversion of the value, or null. */
const mainKeys: Readonly<Record<string, readonly (readonly [string, (value: unknown) => unknown])[]>> = {
  logging: [
    ['level', (value) => levelOf(value)],
    ['format', (value) => (value === 'auto' ? value : wordFor('logging.format', value))],
  ],
  metrics: [['enabled', booleanOf]],
  'mcp.auth': [['mode', (value) => wordFor('mcp.auth.mode', value)]],
  'mcp.session': [['idle_ttl_seconds', secondsOf]],
  'servers[].timeouts': [['request_seconds', secondsOf]],
  'servers[].tools': [['ttl_seconds', secondsOf]],
  'servers[].reconnect': [['max_attempts', (value) => (value === false ? 1 : numberOf(value))]],
};

/** A value that the schema refused. */
export interface WrongValue {
  readonly path: Path;
  /** As the file has it, before variables were expanded. */
  readonly raw: unknown;
  readonly expects: 'number' | 'boolean' | 'mapping' | 'other';
}

/** How to write a value here, or null. */
export function valueAdvice({ path, raw, expects }: WrongValue): string | null {
  const place = placeOf(path);
  if (typeof raw === 'string') {
    const reference = foreignReferenceIn(raw);
    if (path[0] !== 'servers' && (raw.includes('${') || reference !== null)) {
      return 'variables are expanded below servers only';
    }
    if (path.at(-1) === 'token_env') return null;
    if (raw.includes('${')) {
      return expects === 'other' && place !== 'servers[].auth' ? 'check the value of the variable' : null;
    }
    if (reference !== null) return expects === 'other' ? referenceAdvice(reference) : variablesAreText;
  }
  if (typeof raw !== 'object') {
    const reason = reasonAgainst(place, raw);
    if (reason !== null) return reason;
    const word = wordFor(place, raw);
    if (word !== null) return `did you mean "${word}"?`;
  }
  const adviceAt = adviceByPlace[place];
  if (adviceAt !== undefined) return adviceAt(raw);
  if (place === 'servers[].tools' && Array.isArray(raw)) return 'write { allow: [NAME, …] }';
  if (typeof raw === 'object') return null;
  if (expects === 'mapping') return sectionAdvice(place, raw);
  if (expects === 'number') return numberAdvice(String(path.at(-1)), raw);
  return expects === 'boolean' ? booleanAdvice(raw) : null;
}

const adviceByPlace: Readonly<Record<string, (raw: unknown) => string | null>> = {
  '': rootAdvice,
  servers: serversAdvice,
  'servers[]': serversAdvice,
  'servers[].name': (raw) => nameAdvice(String(raw)),
  'servers[].url': urlAdvice,
  'servers[].args': argsAdvice,
  'servers[].command': (raw) =>
    Array.isArray(raw) ? 'write the first one here, and the others into "args"' : null,
  'servers[].env': envAdvice,
  'servers[].headers': (raw) =>
    Array.isArray(raw) ? 'write NAME: VALUE, one below the other, without "- "' : 'write { NAME: VALUE }',
  host: (raw) => (typeof raw === 'string' ? hostAdvice(raw) : null),
  'mcp.allowed_hosts': (raw) =>
    typeof raw === 'string' ? `write ${isHost(raw) ? `[${raw}]` : '[HOST]'}` : null,
};

function rootAdvice(raw: unknown): string | null {
  if (!Array.isArray(raw)) {
    return /^[\w.]+ *=/.test(String(raw)) ? 'write ":" and a space in place of "="' : null;
  }
  const isServers = raw.some((item) => hasKey(item, 'name', 'url'));
  return isServers ? 'put "servers:" in a line above the list' : null;
}

function serversAdvice(raw: unknown): string | null {
  if (typeof raw === 'object') return Array.isArray(raw) ? null : serverMappingAdvice(raw as Mapping);
  return /:\/\//.test(String(raw)) ? 'write "- name: NAME", and "url: …" below "name"' : null;
}

/** Other programs take the arguments as one text, which a shell splits. */
function argsAdvice(raw: unknown): string | null {
  return isRecord(raw)
    ? 'write one below the other, each after "- "'
    : 'write a list of them, each a text of its own';
}

function envAdvice(raw: unknown): string | null {
  return Array.isArray(raw)
    ? 'write NAME: VALUE, one below the other, without "- "'
    : 'write { NAME: VALUE }';
}

function booleanAdvice(raw: unknown): string | null {
  const boolean = booleanOf(raw);
  // The word is right, but in quotes.
  if (boolean === null || /^(?:true|false)$/.test(String(raw))) return null;
  return `${typeof raw === 'string' ? 'YAML 1.2 has no other words for it; ' : ''}write ${boolean}`;
}

function sectionAdvice(place: string, raw: unknown): string | null {
  for (const [key, fit] of mainKeys[place] ?? []) {
    const value = fit(raw);
    if (value !== null) return `write { ${key}: ${value} }`;
  }
  return null;
}

function numberAdvice(key: string, raw: unknown): string | null {
  const text = String(raw);
  if (key === 'max_attempts' && /^(?:-1|unlimited|infinit[ey]|infinity|forever|always|never)$/i.test(text)) {
    return 'write 0 for no limit';
  }
  if (typeof raw !== 'string' || /^\d+(?:\.\d+)?$/.test(text)) return null;
  if (/\s(?:\/\/|\/\*)/.test(text)) return 'a comment begins with "#"';
  const port = key === 'port' ? /:(\d{1,5})$/.exec(text)?.[1] : undefined;
  if (port !== undefined) return `write ${port}; the address goes into "host"`;
  const ms = parseDurationMs(text);
  if (ms !== null && key.endsWith('_seconds')) return `write ${ms / 1000}, in seconds`;
  if (ms !== null && key.endsWith('_ms')) return `write ${ms}, in milliseconds`;
  const bytes = key.endsWith('_bytes') ? parseSizeBytes(text) : null;
  if (bytes !== null) return `write ${bytes}, in bytes`;
  const number = parseNumber(text);
  return number === null ? null : `write ${number}`;
}

/** Other programs allow names such as `My Server`. */
function nameAdvice(raw: string): string | null {
  const name = raw.trim().replace(/[\s/:@,]+/g, '-');
  return name !== raw && name.length <= 60 && serverNameExpected(name) === null ? `write ${name}` : null;
}

function urlAdvice(raw: unknown): string | null {
  if (typeof raw === 'number') return 'write the whole URL, http://127.0.0.1:PORT/mcp';
  if (typeof raw !== 'string') return null;
  if (raw.trim() !== raw) return 'remove the spaces around it';
  if (/^<.*>$/.test(raw)) return 'write it without "<" and ">"';
  if (/^https?:\/\/[^/@ ]* [^/@]*@/i.test(raw)) return 'write a space in it as %20';
  const tooHigh = /^https?:\/\/(?:[^/@]*@)?[^/:@]+:(\d+)/i.exec(raw)?.[1];
  if (Number(tooHigh) > 65_535) return 'a port is at most 65535';
  const socket = /^ws(s?):\/\//i.exec(raw)?.[1]?.toLowerCase();
  if (socket !== undefined)
    return `MCP has no WebSocket transport; if the server speaks HTTP, write http${socket}://`;
  if (/^stdio:|^(?:npx|uvx?|docker|node|python3?|bunx?|deno|pipx)\s/i.test(raw)) return notes.stdio;
  const scheme = /^(https?)(?::\/?|\/\/?)(?!\/)./i.exec(raw)?.[1]?.toLowerCase();
  if (scheme !== undefined) return `it begins with ${scheme}://`;
  if (/^\/(?!\/)/.test(raw)) return 'write the whole URL, http://HOST:PORT/PATH';
  const address = /^(?:[^@/?#\s]*@)?(?:\/\/)?([\w.-]+|\[[\da-f:]+\])(:\d{1,5})?(?:[/?#]\S*)?$/i.exec(raw);
  if (address === null) return null;
  const [, host = '', port] = address;
  const isNear = port !== undefined || !host.includes('.') || /^[\d.[]/.test(host);
  const begin = isNear ? 'http://' : 'https://';
  return raw.startsWith('//') ? `it begins with ${begin}` : `put ${begin} in front`;
}

function hostAdvice(raw: string): string | null {
  if (raw === '*' || raw === '+') return 'write 0.0.0.0 to listen on all addresses';
  const [, bracketed = '', port] =
    /^(?:https?:\/\/)?(\[[\da-f:]+\]|[^:/]+)(?::(\d{1,5}))?\/?$/i.exec(raw) ?? [];
  const host = bracketed.replace(/^\[|\]$/g, '');
  if (host === raw || !isHost(host)) return null;
  const shown = host.includes(':') ? `"${host}"` : host;
  return port === undefined ? `write ${shown}` : `write ${shown}, and ${port} into "port"`;
}

/** Advice on `servers` as a mapping: from name to server, as in other programs, or a list without its dashes. */
function serverMappingAdvice(servers: Mapping): string {
  const keys = Object.keys(servers);
  if (keys.length === 0) return 'write [] for none';
  if (keys.some((key) => /^-\w/.test(key))) return 'add a space after "-"';
  const first = keys.find((key) => key === 'name' || key === 'url');
  if (first !== undefined && !isRecord(servers[first])) {
    return `put "- " in front of "${keys[0] === first ? first : 'name'}", and two spaces in front of the keys below it`;
  }
  return `write each with its name: ${firstServer(servers)}`;
}

/** The first server of a mapping from name to server, as written here. */
export function firstServer(servers: unknown): string {
  const [name, server] =
    isRecord(servers) && !Array.isArray(servers) ? (Object.entries(servers)[0] ?? []) : [];
  const item = `"- name: ${nameOrPlaceholder(name)}"`;
  return `${item} with "${hasKey(server, 'command') ? 'command' : 'url'}: …" below "name"`;
}

/** The name if it is valid, else a placeholder: any other key may be a secret. */
export function nameOrPlaceholder(name: string | undefined): string {
  return name !== undefined && name.length <= 60 && serverNameExpected(name) === null ? name : 'NAME';
}

function booleanOf(value: unknown): boolean | null {
  if (/^(?:true|y|yes|on|1|enabled?)$/i.test(String(value))) return true;
  return /^(?:false|n|no|off|0|disabled?)$/i.test(String(value)) ? false : null;
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : null);

/** The seconds in a number or in a text with a unit, or null. */
export function secondsOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? parseDurationMs(value) : null;
  return ms === null ? numberOf(value) : ms / 1000;
}
