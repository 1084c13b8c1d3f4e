import { isDisabled } from './disabled.ts';
import type { YamlFile } from './document.ts';
import type { Environment } from './expand.ts';
import { isCustomaryVariable } from './hidden.ts';
import { dotted, type Path, type Problem, quote, shownKey } from './problems.ts';
import { isBearerToken, isVariableName } from './rules.ts';
import type { Source, Span } from './source.ts';
import { splitUserInfo } from './user-info.ts';

/** The tokens that the environment holds for a configuration. */
export interface Credentials {
  readonly bearerToken: string | null;
  /** Server name to the token of its `auth.token_env`. */
  readonly upstreamTokens: ReadonlyMap<string, string>;
}

type Mapping = Readonly<Record<string, unknown>>;
const gatewayTokenVariable = 'MCPSTEAD_BEARER_TOKEN';

/**
 * Checks what no single value shows: names, headers and credentials that occur twice, and tokens that the environment
 * lacks, or has for nothing. `value` may not have passed the schema (all problems are told at once), so nothing about it is sure.
 */
export function checkTogether(
  value: unknown,
  file: YamlFile,
  source: Source,
  env: Environment,
): Credentials & { problems: Problem[]; warnings: string[] } {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const upstreamTokens = new Map<string, string>();
  const names = new Map<string, Span>();
  const { servers } = mapping(value);

  for (const [index, item] of (Array.isArray(servers) ? servers : []).entries()) {
    const server = mapping(item);
    const path: Path = ['servers', index];
    const name = typeof server.name === 'string' ? server.name : null;
    if (name !== null) {
      const span = file.spanOf([...path, 'name']);
      const first = names.get(name);
      if (!first) names.set(name, span);
      else {
        const related = { span: first, message: 'this server has it, too' };
        problems.push({
          span,
          message: `servers[${index}].name: ${quote(name)} is taken; names are unique`,
          related,
        });
      }
    }
    problems.push(...headerProblems(server, [...path, 'headers'], file));
    problems.push(...userInfoProblems(server, [...path, 'url'], file));

    if (isDisabled(server)) {
      if (server.required === true) {
        const place = source.where(file.spanOf([...path, 'required']));
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
      const related = { span: first, message: 'it stands here, too' };
      problems.push({
        span,
        message: `the header ${shownKey(name)} is written twice; case does not matter in header names`,
        related,
      });
    } else if (name.toLowerCase() === 'authorization' && mapping(server.auth).type === 'bearer') {
      problems.push({ span, message: `the header ${name} cannot be set here: auth of type bearer sets it` });
    }
    names.set(name.toLowerCase(), span);
  }
  return problems;
}

/** The user name and password of a URL become the header `Authorization`, which only one key can give. */
function userInfoProblems({ url, auth, headers }: Mapping, path: Path, file: YamlFile): Problem[] {
  if (typeof url !== 'string' || !URL.canParse(url) || splitUserInfo(url).userInfo === null) return [];
  const header = Object.keys(mapping(headers)).find((name) => name.toLowerCase() === 'authorization');
  const other =
    mapping(auth).type === 'bearer' ? 'auth of type bearer' : header && `the header ${header} in headers`;
  if (!other) return [];
  const message = `${dotted(path)}: its user name and password set the header Authorization, and so does ${other}; remove one of them`;
  return [{ span: file.spanOf(path), message }];
}

/** The token in `variable`, or null after telling what is wrong with it; its value is never repeated. */
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
      ? 'is not set; it must hold the bearer token'
      : token === ''
        ? 'is empty; it must hold the bearer token'
        : 'holds white space, a line break or characters outside of ASCII, which no bearer token has';
  problems.push({ span, message: `the environment variable ${shown} ${what}` });
  return null;
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}
