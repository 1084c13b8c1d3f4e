import { normalizeWord } from './suggest.ts';

// Words of other programs' configurations, with their equivalents here or the reasons why there are none.

/** Complete messages about features that are missing, or not configured in the file. */
export const notes = {
  stdio: 'a server on stdio has "command: PROGRAM" and "args: [...]" in place of "url"',
  oauth: 'OAuth is not supported yet by this version',
  version: 'the protocol version is negotiated; remove it',
  serverToken:
    'do not write a token into the file; put it into an environment variable and name that in auth.token_env',
  gatewayToken:
    'do not write a token into the file; put it into the environment variable MCPSTEAD_BEARER_TOKEN',
};
/** Advice on a variable in place of a value that is not text. */
export const variablesAreText = 'the value of a variable is always text';
export const writeHeaders = 'a header goes into "headers: { NAME: VALUE }"';

/** The words that keys take, each with its synonyms. */
const synonyms: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'servers[].protocol': {
    streamable: 'http https streamablehttp httpstream httpstreaming httpstreamable streaming mcp',
    sse: 'httpsse httpwithsse serversentevents eventstream events',
    auto: 'any detect default',
    stdio: 'local process command stdin',
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

/** The word of the key at `place` with this synonym, or null. */
export function wordFor(place: string, word: unknown): string | null {
  const given = normalizeWord(String(word));
  const words = Object.entries(synonyms[place] ?? {});
  return words.find(([right, others]) => right === given || others.split(' ').includes(given))?.[0] ?? null;
}

/** Words without an equivalent, with the reason or an alternative. */
const unsupportedWords: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
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
    [/^basic$/i, 'clients authenticate with a bearer token'],
  ],
};

/** Why the key at `place` does not take `word`, or what to do instead; null if unknown. */
export function reasonAgainst(place: string, word: unknown): string | null {
  return unsupportedWords[place]?.find(([pattern]) => pattern.test(String(word)))?.[1] ?? null;
}

/** The log level that a word means, or null. */
export function levelOf(value: unknown): string | null {
  const word = String(value).toLowerCase();
  return word === 'debug' ? word : wordFor('logging.level', word);
}
