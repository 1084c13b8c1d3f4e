import type { Path } from './problems.ts';
import { durationMs, plainNumber, sizeBytes } from './quantities.ts';
import { isHost, serverNameExpected } from './rules.ts';
import { foreignReferenceIn, writeReference } from './variables.ts';

// What people write for a value who know the configuration of other programs, and how the same is written here. Advice
// follows "; " in a message. It is made of the file as it is written, never of what a variable holds, and repeats numbers,
// hosts and names only: any other value may be a secret.

/** What is not to be had, or not in the file, wherever it is asked for. */
export const notes = {
  stdio: 'stdio servers are not supported yet by this version; give the url of an HTTP server',
  oauth: 'OAuth is not supported yet by this version',
  version: 'the protocol version is negotiated; remove it',
  filters: 'tools cannot be filtered or renamed yet by this version',
  serverToken:
    'a token must not stand in the file; put it into an environment variable and name that in auth.token_env',
  gatewayToken:
    'a token must not stand in the file; put it into the environment variable MCPSTEAD_BEARER_TOKEN',
};
export const writeHeaders = 'a header stands in "headers: { NAME: VALUE }"';

export type Mapping = Readonly<Record<string, unknown>>;

/** Case, `-`, `_` and `+` do not tell words apart. */
export const plain = (word: string) => word.toLowerCase().replace(/[-_+]/g, '');

/** `servers[].auth`: where a value stands, whatever the index. */
export function placeOf(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? '[]' : `.${part}`));
  return parts.join('').replace(/^\./, '');
}

/** Other words for those that a key takes: the right one, and the others. */
const otherWords: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'servers[].protocol': {
    streamable: 'http https streamablehttp httpstream httpstreaming httpstreamable streaming mcp',
    sse: 'httpsse httpwithsse serversentevents eventstream events',
    auto: 'any detect default',
  },
  'logging.level': {
    trace: 'verbose silly all finest',
    info: 'notice information',
    warn: 'warning',
    error: 'err fatal critical crit alert emerg emergency panic off none silent quiet',
  },
  'logging.format': {
    pretty: 'text plain console human logfmt simple line',
    json: 'structured ndjson jsonl jsonlines',
  },
  'mcp.auth.mode': {
    bearer: 'token apikey key static true yes on',
    none: 'off no false disabled open anonymous',
  },
};

/** The word of the key at `place` that another word stands for, or null. */
export function wordFor(place: string, word: unknown): string | null {
  const given = plain(String(word));
  const words = Object.entries(otherWords[place] ?? {});
  return words.find(([right, others]) => right === given || others.split(' ').includes(given))?.[0] ?? null;
}

/** Words for which there is nothing, with the reason or the way that there is. */
const hopelessWords: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  'servers[].protocol': [
    [/^(?:ws|wss|websockets?)$/i, 'MCP has no WebSocket transport'],
    [/^(?:grpc|tcp|unix|ipc)$/i, 'servers are reached over HTTP'],
    [/^\d{4}-\d\d-\d\d$/, notes.version],
  ],
  'servers[].auth': [
    [/^oauth/i, notes.oauth],
    [/^basic$/i, 'write user name and password into the url, from variables'],
  ],
  'servers[].auth.type': [
    [/^none$/i, 'write "auth: none"'],
    [/^(?:oauth|client_credentials)/i, notes.oauth],
    [/^basic$/i, 'write user name and password into the url, from variables'],
    [/^(?:headers?|api[-_]?key|key|custom)$/i, writeHeaders],
    [/^token$/i, 'write bearer'],
  ],
  'mcp.auth.mode': [
    [/^(?:oauth|oidc|jwt)/i, notes.oauth],
    [/^basic$/i, 'clients authenticate by a bearer token'],
  ],
};

/** Why the key at `place` does not take `word`, or what to do instead; null where nobody knows. */
export function reasonAgainst(place: string, word: unknown): string | null {
  return hopelessWords[place]?.find(([pattern]) => pattern.test(String(word)))?.[1] ?? null;
}

/** What a section is given for where a single value stands in its place, and what that value is then; null: not that. */
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

/** What the schema found wrong with a value. */
export interface WrongValue {
  readonly path: Path;
  /** As the file has it, before variables were expanded. */
  readonly raw: unknown;
  readonly expects: 'number' | 'boolean' | 'mapping' | 'other';
}

/** How what `raw` says is written in place of it, or null where nobody knows. */
export function valueAdvice({ path, raw, expects }: WrongValue): string | null {
  const place = placeOf(path);
  if (typeof raw === 'string') {
    const reference = foreignReferenceIn(raw);
    if (path[0] !== 'servers' && (raw.includes('${') || reference !== null))
      return 'variables stand for values below servers only';
    if (path.at(-1) === 'token_env') return null;
    if (raw.includes('${'))
      return expects === 'other' && place !== 'servers[].auth' ? 'look at what the variable holds' : null;
    if (reference !== null) {
      return expects === 'other' ? writeReference(reference) : 'what comes from a variable is always text';
    }
  }
  if (typeof raw !== 'object') {
    const reason = reasonAgainst(place, raw);
    if (reason !== null) return reason;
    const word = wordFor(place, raw);
    if (word !== null) return `did you mean "${word}"?`;
  }
  switch (place) {
    case '':
      if (Array.isArray(raw)) {
        return raw.some((item) => hasKey(item, 'name', 'url'))
          ? 'put "servers:" in a line above the list'
          : null;
      }
      return /^[\w.]+ *=/.test(String(raw)) ? 'write ":" and a space in place of "="' : null;
    case 'servers':
    case 'servers[]':
      if (typeof raw === 'object') return Array.isArray(raw) ? null : servedMapping(raw as Mapping);
      return /:\/\//.test(String(raw)) ? 'write "- name: NAME", and "url: …" below "name"' : null;
    case 'servers[].name':
      return nameAdvice(String(raw));
    case 'servers[].url':
      return urlAdvice(raw);
    case 'servers[].headers':
      return Array.isArray(raw)
        ? 'write NAME: VALUE, one below the other, without "- "'
        : 'write { NAME: VALUE }';
    case 'host':
      return typeof raw === 'string' ? hostAdvice(raw) : null;
    case 'mcp.allowed_hosts':
      return typeof raw === 'string' ? `write ${isHost(raw) ? `[${raw}]` : '[HOST]'}` : null;
  }
  if (place === 'servers[].tools' && Array.isArray(raw)) return notes.filters;
  if (typeof raw === 'object') return null;
  if (expects === 'mapping') return sectionAdvice(place, raw);
  if (expects === 'number') return numberAdvice(String(path.at(-1)), raw);
  return expects === 'boolean' ? booleanAdvice(raw) : null;
}

function booleanAdvice(raw: unknown): string | null {
  const boolean = booleanOf(raw);
  // In quotes it is the right word.
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
  if (port !== undefined) return `write ${port}; the address stands in "host"`;
  const ms = durationMs(text);
  if (ms !== null && key.endsWith('_seconds')) return `write ${ms / 1000}, in seconds`;
  if (ms !== null && key.endsWith('_ms')) return `write ${ms}, in milliseconds`;
  const bytes = key.endsWith('_bytes') ? sizeBytes(text) : null;
  if (bytes !== null) return `write ${bytes}, in bytes`;
  const number = plainNumber(text);
  return number === null ? null : `write ${number}`;
}

/** `My Server`: what a name is made of in other programs. */
function nameAdvice(raw: string): string | null {
  const name = raw.trim().replace(/[\s/:@,]+/g, '-');
  return name !== raw && name.length <= 60 && serverNameExpected(name) === null ? `write ${name}` : null;
}

function urlAdvice(raw: unknown): string | null {
  if (typeof raw === 'number') return 'write the whole URL, http://127.0.0.1:PORT/mcp';
  if (typeof raw !== 'string') return null;
  if (raw.trim() !== raw) return 'remove the blanks around it';
  if (/^<.*>$/.test(raw)) return 'write it without "<" and ">"';
  if (/^https?:\/\/[^/@ ]* [^/@]*@/i.test(raw)) return 'write a blank in it as %20';
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

/** `servers` as a mapping: from name to server, as in other programs, or a list without its dashes. */
function servedMapping(servers: Mapping): string {
  const keys = Object.keys(servers);
  if (keys.length === 0) return 'write [] for none';
  if (keys.some((key) => /^-\w/.test(key))) return 'after "-" a space is missing';
  const first = keys.find((key) => key === 'name' || key === 'url');
  if (first !== undefined && !isRecord(servers[first])) {
    return `put "- " in front of "${keys[0] === first ? first : 'name'}", and two blanks in front of the keys below it`;
  }
  return `write each with its name: ${firstServer(servers)}`;
}

/** How the first server of a mapping from name to server is written here, and what becomes of it. */
export function firstServer(servers: unknown): string {
  const [name, server] =
    isRecord(servers) && !Array.isArray(servers) ? (Object.entries(servers)[0] ?? []) : [];
  const item = `"- name: ${nameOrPlaceholder(name)}"`;
  return hasKey(server, 'command') ? `${item}; ${notes.stdio}` : `${item} with "url: …" below "name"`;
}

/** The name, if a server may have it: other keys may be anything. */
export function nameOrPlaceholder(name: string | undefined): string {
  return name !== undefined && name.length <= 60 && serverNameExpected(name) === null ? name : 'NAME';
}

/** The level that a word means, or null. */
export function levelOf(value: unknown): string | null {
  const word = String(value).toLowerCase();
  return word === 'debug' ? word : wordFor('logging.level', word);
}

function booleanOf(value: unknown): boolean | null {
  if (/^(?:true|y|yes|on|1|enabled?)$/i.test(String(value))) return true;
  return /^(?:false|n|no|off|0|disabled?)$/i.test(String(value)) ? false : null;
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : null);

/** Seconds: a number, or a text with a unit; null: neither. */
export function secondsOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? durationMs(value) : null;
  return ms === null ? numberOf(value) : ms / 1000;
}

export function isRecord(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null;
}

/** Whether `value` is a mapping with at least one of these keys. */
export function hasKey(value: unknown, ...keys: string[]): boolean {
  return isRecord(value) && keys.some((key) => Object.hasOwn(value, key));
}
