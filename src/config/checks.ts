import type { Environment } from '../runtime/environment.ts';
import { isDisabled } from './disabled.ts';
import type { YamlFile } from './document.ts';
import { isCustomaryVariable } from './hidden-spans.ts';
import { profileProblems, renameProblems } from './name-checks.ts';
import { dotted, type Problem, quote, shownKey } from './problems.ts';

import { isBearerToken, isVariableName } from './rules.ts';
import type { Source, Span } from './source.ts';
import { targetProblems } from './targets.ts';
import { splitUserInfo } from './user-info.ts';
import { isRecord, type Mapping, type Path } from './values.ts';

/** The tokens in the environment that a configuration refers to. */
interface Credentials {
  readonly bearerToken: string | null;
  /** The name of a server to the token in its `auth.token_env`. */
  readonly upstreamTokens: ReadonlyMap<string, string>;
}

const gatewayTokenVariable = 'MCPSTEAD_BEARER_TOKEN';

/**
 * Checks that involve several values: duplicate names, headers and credentials, and tokens that the environment lacks or that
 * nothing uses. Because all problems are reported at once, `value` may violate the schema.
 */
export function crossCheck(
  value: unknown,
  file: YamlFile,
  source: Source,
  env: Environment,
): Credentials & { problems: Problem[]; warnings: string[] } {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const upstreamTokens = new Map<string, string>();
  const names = new Map<string, Span>();
  const { servers, profiles } = mapping(value);

  for (const [index, item] of (Array.isArray(servers) ? servers : []).entries()) {
    const server = mapping(item);
    const path: Path = ['servers', index];
    const name = typeof server.name === 'string' ? server.name : null;
    if (name !== null) {
      const span = file.spanOf([...path, 'name']);
      const first = names.get(name);
      if (!first) names.set(name, span);
      else {
        const related = { span: first, message: 'another server has this name' };
        problems.push({
          span,
          message: `servers[${index}].name: ${quote(name)} is taken; names are unique`,
          related,
        });
      }
    }
    problems.push(...headerProblems(server, [...path, 'headers'], file));
    problems.push(...userInfoProblems(server, [...path, 'url'], file));
    problems.push(...targetProblems(server, path, file));
    problems.push(...renameProblems(mapping(server.tools), [...path, 'tools', 'rename'], file));

    if (isDisabled(server)) {
      if (server.required === true) {
        const place = source.locationOf(file.spanOf([...path, 'required']));
        warnings.push(`${place}: servers[${index}].required has no effect while enabled is false`);
      }
      continue;
    }
    const variable = mapping(server.auth).token_env;
    if (typeof variable !== 'string' || !isVariableName(variable)) continue;
    const tokenPath = [...path, 'auth', 'token_env'];
    const shown = isCustomaryVariable(variable) ? variable : 'that token_env names';
    const token = tokenFrom(env, variable, shown, file.spanOf(tokenPath), problems);
    if (token !== null && name !== null) upstreamTokens.set(name, token);
  }

  problems.push(...profileProblems(profiles, names, file));

  let bearerToken: string | null = null;
  if (mapping(mapping(mapping(value).mcp).auth).mode === 'bearer') {
    const span = file.spanOf(['mcp', 'auth', 'mode']);
    bearerToken = tokenFrom(env, gatewayTokenVariable, gatewayTokenVariable, span, problems);
  } else if (env[gatewayTokenVariable]) {
    warnings.push(
      `${gatewayTokenVariable} is set, but mcp.auth.mode is none: clients need no token; to ask for it write "mcp: { auth: { mode: bearer } }"`,
    );
  }
  return { problems, warnings, upstreamTokens, bearerToken };
}

function headerProblems(server: Mapping, path: Path, file: YamlFile): Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, Span>();
  for (const name of Object.keys(mapping(server.headers))) {
    const span = file.keySpanOf([...path, name]);
    const first = names.get(name.toLowerCase());
    if (first) {
      const related = { span: first, message: 'first written here' };
      problems.push({
        span,
        message: `the header ${shownKey(name)} is written twice; header names ignore case`,
        related,
      });
    } else if (name.toLowerCase() === 'authorization' && mapping(server.auth).type === 'bearer') {
      problems.push({ span, message: `the header ${name} cannot be set here: auth of type bearer sets it` });
    }
    names.set(name.toLowerCase(), span);
  }
  return problems;
}

/** The user name and password of a URL become the header `Authorization`, which only one key can set. */
function userInfoProblems({ url, auth, headers }: Mapping, path: Path, file: YamlFile): Problem[] {
  if (typeof url !== 'string' || !URL.canParse(url) || splitUserInfo(url).userInfo === null) return [];
  const header = Object.keys(mapping(headers)).find((name) => name.toLowerCase() === 'authorization');
  const other =
    mapping(auth).type === 'bearer' ? 'auth of type bearer' : header && `the header ${header} in headers`;
  if (!other) return [];
  const message = `${dotted(path)}: its user name and password set the header Authorization, as does ${other}; remove one of them`;
  return [{ span: file.spanOf(path), message }];
}

/** The token in `variable`, or null after adding a problem, which never repeats the value. */
function tokenFrom(
  env: Environment,
  variable: string,
  shown: string,
  span: Span,
  problems: Problem[],
): string | null {
  const token = env[variable];
  if (typeof token === 'string' && isBearerToken(token)) return token;
  const what =
    typeof token !== 'string'
      ? 'is not set, nor is it in mcpstead.env; it must hold the bearer token'
      : token === ''
        ? 'is empty; it must hold the bearer token'
        : 'contains white space, a line break or characters outside of ASCII, which a bearer token cannot';
  problems.push({ span, message: `the environment variable ${shown} ${what}` });
  return null;
}

function mapping(value: unknown): Mapping {
  return isRecord(value) && !Array.isArray(value) ? value : {};
}
