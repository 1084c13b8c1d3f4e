import type { Environment } from '../runtime/environment.ts';
import type { Expansion } from './expand.ts';
import type { Config, ServerConfig } from './schema.ts';
import { splitUserInfo } from './user-info.ts';
import { type Path, pathKey } from './values.ts';

/** Names of headers and query parameters whose values are credentials. */
const credentialName =
  /auth(?!or(?!i))|token|key|secret|passw|passphrase|pwd|cookie|session|signature|credential|bearer|jwt|hmac|saml|[cx]srf|\b(?:sig|otp|pin|pass)\b/i;

/** Whether something of this name, such as a variable, holds a credential. */
export const isCredentialName = (name: string) => credentialName.test(name);

/** A shorter value of another header or parameter is not a secret. */
const minOtherChars = 8;
/** One to three words of letters, in one case or capitalized: `production`, `read-only`, `Acme Corp`. */
const words = /^(?=.{1,24}$)(?:[A-Z]?[a-z]+|[A-Z]+)(?:[ _-](?:[A-Z]?[a-z]+|[A-Z]+)){0,2}$/;
/** A number, a version, a date: `1.5`, `v2.10.3`, `2026-07-28`. */
const number = /^[+-]?v?\d{1,7}(?:[.:-]\d{1,4}){0,3}$/;
const mediaType = /^(?:application|audio|font|image|message|model|multipart|text|video|\*)\/[\w.+*-]{1,60}$/i;
/** A language or the name of an encoding: `en-US`, `iso-8859-1`. */
const code = /^(?:[a-z]{2,3}(?:-[A-Za-z]{2,4}){1,2}|(?:utf|iso|windows)(?:-\d{1,4}){1,2})$/i;

/**
 * Collects all values that must never be shown. Always secret are tokens, values from the environment and from files (unless
 * they became public as the name, protocol, address or command of a server, or are the user's name or folders), passwords in URLs and user names without a password, and the values of
 * headers and query parameters that are named like credentials. Values of other headers and parameters, and user names with a
 * password, are secret if they have at least eight characters and are not ordinary: words, short numbers, versions, dates,
 * media types, languages, and lists of these.
 */
export function secretsOf(
  config: Config,
  tokens: Iterable<string>,
  expansions: readonly Expansion[],
): string[] {
  const secrets = new Set(tokens);
  const expanded = new Set(expansions.map(({ path }) => pathKey(path)));
  for (const [index, server] of config.servers.entries()) {
    for (const [name, value] of Object.entries(server.headers)) {
      const isExpanded = expanded.has(pathKey(['servers', index, 'headers', name]));
      if (isExpanded || mayBeSecret(name, value)) secrets.add(value);
      if (isExpanded || credentialName.test(name))
        for (const part of credentialsIn(name, value)) secrets.add(part);
    }
    for (const secret of secretsOfUrl(server.url)) secrets.add(secret);
    for (const secret of secretsOfProcess(server)) secrets.add(secret);
  }
  for (const { path, value, isPlace } of expansions) {
    if (isPlace || isPublic(config, path, value)) continue;
    secrets.add(value);
    // A process may print a key of several lines line by line.
    for (const line of value.split(/\r?\n/)) if (line.length >= minOtherChars) secrets.add(line);
  }
  secrets.delete('');
  return [...secrets];
}

/** The values of variables that are named like credentials, whether or not the configuration refers to them. */
export function secretsOfVariables(variables: ReadonlyMap<string, string>): string[] {
  return [...variables].flatMap(([name, value]) => (isCredential(name, value) ? value : []));
}

/** The secrets that the gateway sends to its trace collector: the values of headers, and those in the URL. */
export function secretsOfCollector(env: Environment): string[] {
  const headers = [env.OTEL_EXPORTER_OTLP_HEADERS, env.OTEL_EXPORTER_OTLP_TRACES_HEADERS];
  const urls = [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT];
  return [
    ...headers.flatMap((list = '') => list.split(',').flatMap(secretsOfPair)),
    ...urls.flatMap((url = '') => (URL.canParse(url) ? [...secretsOfUrl(url)] : [])),
  ].filter((secret) => secret !== '');
}

/** @param pair `name=value`, whose value may be percent-encoded */
function secretsOfPair(pair: string): string[] {
  const [, name = '', raw = ''] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
  let value = raw;
  try {
    value = decodeURIComponent(raw);
  } catch {
    // It is sent as it is.
  }
  return [raw, value, ...credentialsIn(name, value)];
}

function* secretsOfUrl(text: string | undefined): Generator<string> {
  if (text === undefined) return;
  const url = new URL(text);
  yield* secretsOfUserInfo(url);
  for (const [name, value] of url.searchParams) {
    // `?TOKEN`
    if (value === '' && mayBeSecret('', name)) yield name;
    if (mayBeSecret(name, value)) yield value;
  }
}

/**
 * Values of variables and arguments that are named like credentials: `API_KEY`, `--token VALUE`, `--token=VALUE`. Others are
 * paths, names and options as a rule, which results are full of.
 */
function* secretsOfProcess({ args = [], env = {} }: ServerConfig): Generator<string> {
  for (const [name, value] of Object.entries(env)) if (isCredential(name, value)) yield value;
  for (const [index, arg] of args.entries()) {
    const [, name = '', value = args[index + 1] ?? ''] = /^-{1,2}([\w-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (isCredential(name, value)) yield value;
  }
}

const isCredential = (name: string, value: string) =>
  credentialName.test(name) && value.length >= minOtherChars && !isOrdinary(value);

function mayBeSecret(name: string, value: string): boolean {
  return credentialName.test(name) || (value.length >= minOtherChars && !isOrdinary(value));
}

/** Whether a text is made of words, short numbers, versions, dates and their kind. */
export function isOrdinary(value: string): boolean {
  return value.split(/[,;]/).every((item) => {
    const text = item.replace(/^\s*(?:\w+\s*=)?\s*/, '').trim();
    return text === '' || [words, number, mediaType, code].some((pattern) => pattern.test(text));
  });
}

/** The parts of a header value that are credentials by themselves. */
function* credentialsIn(name: string, value: string): Generator<string> {
  if (/cookie/i.test(name)) {
    // RFC 6265, 4.2.1.
    for (const pair of value.split(/;\s*/)) {
      const cookie = pair.slice(pair.indexOf('=') + 1);
      if (mayBeSecret('', cookie)) yield cookie;
    }
  }
  // RFC 9110, 11.4: the scheme, and a token or parameters.
  const [, scheme, credentials] = /^(\S+)\s+(.+)$/.exec(value.trim()) ?? [];
  if (scheme === undefined || credentials === undefined || !/authorization$/i.test(name)) return;
  yield credentials;
  for (const [, quoted] of credentials.matchAll(/="([^"]*)"/g)) {
    if (quoted !== undefined && mayBeSecret('', quoted)) yield quoted;
  }
  if (!/^basic$/i.test(scheme)) return;
  // RFC 7617, 2.
  const pair = Buffer.from(credentials, 'base64').toString();
  yield pair;
  yield pair.slice(pair.indexOf(':') + 1);
}

/** A user name that is also part of the address is not a secret: hiding it would garble the address. */
function secretsOfUserInfo(url: URL): string[] {
  const { userInfo } = splitUserInfo(url.href);
  if (userInfo === null) return [];
  const { user, password, authorization } = userInfo;
  const secrets = [password, `${user}:${password}`, authorization.slice('Basic '.length)];
  const isSecret = password === '' || mayBeSecret('', user);
  return isSecret && !url.origin.includes(user.toLowerCase()) ? [...secrets, user] : secrets;
}

function isPublic(config: Config, path: Path, value: string): boolean {
  const [, index, key] = path;
  if (key === 'name' || key === 'protocol') return true;
  const server = config.servers[Number(index)];
  if (key === 'command' || server?.url === undefined) return key === 'command';
  return key === 'url' && new URL(server.url).origin.includes(value.toLowerCase());
}
