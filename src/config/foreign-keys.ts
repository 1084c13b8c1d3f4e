import { levelOf, notes, reasonAgainst, wordFor, writeHeaders } from './foreign-words.ts';
import { normalizeWord } from './suggest.ts';
import { firstServer, nameOrPlaceholder, secondsOf } from './value-advice.ts';
import { hasKey, isRecord, type Mapping, type Path, placeOf } from './values.ts';

// Advice on keys of other programs' configurations. The rules at the head of value-advice.ts apply.

type Advice = string | ((value: unknown, siblings: Mapping) => string | null);

/** The normalized spellings of a key, the advice, and the required key that it stands for, if any. */
type ForeignKey = readonly [spellings: string, advice: Advice, standsFor?: 'name' | 'url'];

const bearerAuth = 'write "auth: { type: bearer, token_env: NAME }"';

/** By the place of the keys. */
const foreignKeys: Readonly<Record<string, readonly ForeignKey[]>> = {
  '': [
    ['mcpservers contextservers extensions gateways upstreams backends targets', listOfServers],
    ['name url', 'it belongs to a server: below "servers", indented, the first key after "- "'],
    ['listen listenaddr listenaddress bind bindaddr bindaddress addr address', 'write "host" and "port"'],
    ['listenport serverport httpport', 'write "port"'],
    [
      'http server gateway listener mcpstead config configuration settings',
      (value) =>
        hasKey(value, 'host', 'port', 'servers', 'logging') ? 'its keys belong at the top of the file' : null,
    ],
    ['auth authentication', 'write "mcp: { auth: { mode: bearer } }"'],
    ['token bearertoken authtoken accesstoken apikey', notes.gatewayToken],
    ['log logger logs', 'write "logging"'],
    ['loglevel', (value) => `write "logging: { level: ${levelOf(value) ?? 'info'} }"`],
    ['logformat', 'write "logging: { format: json }"'],
    ['debug verbose', 'write "logging: { level: debug }"'],
    ['cors allowedorigins corsorigins origins', 'write the hosts into "mcp: { allowed_hosts: [HOST] }"'],
    [
      'inputs',
      `the gateway does not prompt for values; "\${NAME}" in a server is replaced by the value of a variable`,
    ],
    ['$schema', 'name the schema in a comment: "# yaml-language-server: $schema=config.schema.json"'],
    ['apiversion kind', 'this is a Kubernetes manifest; the configuration is a text in it'],
  ],
  mcp: [
    [
      'servers mcpservers',
      (value) => `write a list "servers:" at the top of the file, and below it ${firstServer(value)}`,
    ],
    ['token bearertoken authtoken apikey', notes.gatewayToken],
    ['cors allowedorigins corsorigins origins', 'write the hosts into "allowed_hosts"'],
    ['path endpoint url', 'the endpoint is /mcp'],
  ],
  'mcp.auth': [
    ['token bearertoken authtoken apikey secret key', notes.gatewayToken],
    ['type method kind scheme', (value) => `write "mode: ${wordFor('mcp.auth.mode', value) ?? 'bearer'}"`],
    ['enabled', (value) => `write "mode: ${value === false ? 'none' : 'bearer'}"`],
  ],
  logging: [['file path output destination target', 'the log is written to stderr; remove it']],
  metrics: [
    ['path port host listen address endpoint', 'metrics are served at /metrics on the same port; remove it'],
  ],
  'mcp.session': [['ttl ttlseconds idlettl idletimeout timeout', 'write "idle_ttl_seconds"']],
  'servers[]': [
    ['cmd program executable exec run', 'write "command: PROGRAM" and "args: [...]"', 'url'],
    ['arguments argv commandargs parameters params', 'write "args: [...]"'],
    ['environment envs envvars environmentvariables', 'write "env: { NAME: VALUE }"'],
    ['workingdirectory workdir workingdir directory dir', 'write "cwd: PATH"'],
    ['type kind transport transporttype transportmode', protocolAdvice],
    ['protocolversion mcpversion specversion', notes.version],
    [
      'baseurl baseuri endpoint uri httpurl sseurl serverurl mcpurl remoteurl remote address href link location target',
      'write "url"',
      'url',
    ],
    ['host hostname port path', 'write all of it into "url": http://HOST:PORT/PATH', 'url'],
    ['id key label server servername alias title', 'write "name"', 'name'],
    ['disabled disable', (value) => `write "enabled: ${value === false}"`],
    ['active isactive', (value) => `write "enabled: ${value !== false}"`],
    [
      'timeout timeoutsec timeoutseconds requesttimeout calltimeout readtimeout tooltimeout tooltimeoutsec',
      (value) => timeoutAdvice('request_seconds', value),
    ],
    ['timeoutms requesttimeoutms', (value) => timeoutAdvice('request_seconds', value, 1_000)],
    [
      'connecttimeout connectiontimeout startuptimeout startuptimeoutsec inittimeout',
      (value) => timeoutAdvice('connect_seconds', value),
    ],
    [
      'header httpheaders requestheaders extraheaders customheaders envhttpheaders requestinit',
      'write "headers: { NAME: VALUE }"',
    ],
    [
      'token bearertoken bearer apikey apitoken authtoken accesstoken password secret clientsecret',
      notes.serverToken,
    ],
    ['tokenenv tokenenvvar bearertokenenv bearertokenenvvar apikeyenv authtype authmode', bearerAuth],
    ['authorization', `${bearerAuth}, or for another scheme "headers: { Authorization: VALUE }"`],
    ['oauth oauth2', notes.oauth],
    [
      'autoapprove alwaysallow trust approval requireapproval',
      'approval of calls is up to the client; remove it',
    ],
    [
      'includetools allowedtools enabledtools toolfilter toolsallow allow include',
      'write "tools: { allow: [NAME, …] }"',
    ],
    [
      'excludetools disabledtools blockedtools deniedtools toolsdeny deny exclude',
      'write "tools: { deny: [NAME, …] }"',
    ],
    ['prefix toolprefix namespace', 'write "tools: { prefix: TEXT }"'],
    ['rename toolrename toolaliases toolalias', 'write "tools: { rename: { OLD: NEW } }"'],
    [
      'insecure insecureskipverify skipverify verify verifyssl verifytls sslverify tlsverify rejectunauthorized tls ssl',
      'write "tls_skip_verify: true" to accept any certificate',
    ],
    [
      'retry retries maxretries maxattempts retryattempts',
      (value) => `write "reconnect: { max_attempts: ${typeof value === 'number' ? value : 3} }"`,
    ],
  ],
  'servers[].auth': [
    ['token bearertoken accesstoken value secret apikey key password', notes.serverToken],
    ['env envvar variable tokenenvvar bearertokenenvvar', 'write "token_env"'],
    ['bearer basic oauth', bearerAuth],
  ],
  'servers[].timeouts': [
    ['request requesttimeout requestms read call tool total timeout', 'write "request_seconds"'],
    ['connect connecttimeout connectms connection startup init', 'write "connect_seconds"'],
  ],
  'servers[].tools': [
    ['ttl refresh refreshseconds interval cacheseconds', 'write "ttl_seconds"'],
    ['include whitelist allowlist allowed enabled filter', 'write "allow: [NAME, …]"'],
    ['exclude blacklist denylist denied disabled hidden', 'write "deny: [NAME, …]"'],
    ['aliases alias names', 'write "rename: { OLD: NEW }"'],
  ],
};

const byPlaceAndKey = new Map(
  Object.entries(foreignKeys).flatMap(([place, entries]) =>
    entries.flatMap((entry) => entry[0].split(' ').map((key) => [`${place} ${key}`, entry] as const)),
  ),
);
const foreignKeyAt = (place: string, key: string) => byPlaceAndKey.get(`${place} ${normalizeWord(key)}`);

/**
 * Advice on the unknown `key` of a mapping, or null.
 *
 * @param path the path of the mapping
 * @param siblings the mapping, as the file has it
 */
export function keyAdvice(path: Path, key: string, siblings: Mapping): string | null {
  if (/^\/[/*]/.test(key)) return 'a comment begins with "#"';
  const place = placeOf(path);
  const [, advice, standsFor] = foreignKeyAt(place, key) ?? [];
  if (advice !== undefined) {
    // Beside a name, `title` may really be a title.
    if (standsFor !== undefined && siblings[standsFor] !== undefined) return null;
    return typeof advice === 'function' ? advice(siblings[key], siblings) : advice;
  }
  if ((place === '' || place === 'mcp') && hasKey(siblings[key], 'url', 'command')) {
    return `write a list "servers:" at the top of the file, and below it ${firstServer({ [key]: siblings[key] })}`;
  }
  if (place !== 'servers[]') return null;
  if (isNamedServer(key, siblings)) return `the name is a value: "- name: ${nameOrPlaceholder(key)}"`;
  return /^x-/i.test(key) ? writeHeaders : null;
}

/** Whether a server has a foreign key that stands for the missing key. */
export function hasForeignKeyFor(missing: string, server: Mapping): boolean {
  return Object.keys(server).some(
    (key) => foreignKeyAt('servers[]', key)?.[2] === missing || isNamedServer(key, server),
  );
}

/** `- github: { url: … }` */
function isNamedServer(key: string, siblings: Mapping): boolean {
  return siblings.name === undefined && hasKey(siblings[key], 'url', 'command', 'type');
}

function protocolAdvice(value: unknown, siblings: Mapping): string {
  if (hasKey(value, 'url') && siblings.url === undefined) return 'write "url" beside "name"';
  const word = isRecord(value) ? (value.type ?? value.kind ?? '') : value;
  const isStdio = /^(?:stdio|local|command|process)$/i.test(String(word));
  if (isStdio && siblings.command === undefined) return notes.stdio;
  if (siblings.command !== undefined) return 'a server with a "command" speaks stdio; remove this key';
  if (siblings.protocol !== undefined) return '"protocol" is already set; remove this key';
  const known = wordFor('servers[].protocol', word);
  if (known !== null) return `write "protocol: ${known}", or leave it out: it is detected`;
  return reasonAgainst('servers[].protocol', word) ?? 'write "protocol": auto, streamable or sse';
}

function timeoutAdvice(key: string, value: unknown, unitsPerSecond = 1): string {
  const given = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  const seconds = secondsOf(given);
  if (seconds === null) return `write "timeouts: { ${key}: 60 }"`;
  // Nobody means a thousand seconds: these are milliseconds.
  const isMs = unitsPerSecond === 1_000 || (typeof given === 'number' && given >= 1_000);
  return `write "timeouts: { ${key}: ${typeof given === 'number' && isMs ? seconds / 1000 : seconds} }", in seconds`;
}

function listOfServers(value: unknown): string {
  if (Array.isArray(value)) return 'write "servers"';
  return `write a list "servers:", and below it ${firstServer(value)}`;
}
