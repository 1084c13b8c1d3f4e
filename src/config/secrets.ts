import type { Expansion } from './expand.ts';
import type { Path } from './problems.ts';
import type { Config } from './schema.ts';
import { splitUserInfo } from './user-info.ts';

/**
 * Every value that must never be shown: tokens, header values, the user info and query values of URLs, and what came from
 * the environment, except where it became something public: a server's name, protocol or address.
 */
export function secretsOf(
  config: Config,
  tokens: Iterable<string>,
  expansions: readonly Expansion[],
): string[] {
  const secrets = new Set(tokens);
  for (const server of config.servers) {
    for (const [name, value] of Object.entries(server.headers)) {
      secrets.add(value);
      // `Authorization: Bearer TOKEN`: the token is a secret without the scheme, too.
      const credentials = /^\S+ +(\S+)$/.exec(value)?.[1];
      if (credentials && /authorization$/i.test(name)) secrets.add(credentials);
    }
    const url = new URL(server.url);
    for (const secret of secretsOfUserInfo(url)) secrets.add(secret);
    for (const value of url.searchParams.values()) secrets.add(value).add(encodeURIComponent(value));
    for (const pair of url.search.slice(1).split('&')) secrets.add(pair.slice(pair.indexOf('=') + 1));
  }
  for (const { path, value } of expansions) {
    if (!isPublic(config, path, value)) secrets.add(value);
  }
  secrets.delete('');
  return [...secrets];
}

/** A user name that is also part of the address is none: hiding it would garble the address. */
function secretsOfUserInfo(url: URL): string[] {
  const { userInfo } = splitUserInfo(url.href);
  if (userInfo === null) return [];
  const { user, password, authorization } = userInfo;
  const secrets = [password, url.password, `${user}:${password}`, authorization.slice('Basic '.length)];
  return url.origin.includes(user.toLowerCase()) ? secrets : [...secrets, user, url.username];
}

function isPublic(config: Config, path: Path, value: string): boolean {
  const [, index, key] = path;
  if (key === 'name' || key === 'protocol') return true;
  const server = config.servers[Number(index)];
  return key === 'url' && server !== undefined && new URL(server.url).origin.includes(value.toLowerCase());
}
