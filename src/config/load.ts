import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { GatewayError } from '../errors.ts';
import { descriptors } from '../runtime/descriptors.ts';
import type { Environment } from '../runtime/environment.ts';
import { stateKeyFrom, stateKeyVariable } from '../state/key.ts';
import { crossCheck } from './checks.ts';
import { type DisabledServer, splitDisabled } from './disabled.ts';
import { readYaml } from './document.ts';
import { envFilePath, readEnvFile, withDefaults } from './env-file.ts';
import { type Expansion, expand, foreignReferenceWarnings } from './expand.ts';
import { hiddenSpans } from './hidden-spans.ts';
import { issueProblems } from './issues.ts';
import { invalidConfig, unusableFile } from './problems.ts';
import { type Config, configSchema } from './schema.ts';
import { secretsOf, secretsOfVariables } from './secrets.ts';
import { Source } from './source.ts';
import { hiddenWords } from './syntax.ts';
import { missingTargets } from './targets.ts';
import { type Path, pathKey, valueAt } from './values.ts';

/** A complete, validated configuration, with the secrets that it refers to. */
export interface LoadedConfig {
  /** The path of the file, for messages. */
  readonly path: string;
  /** With defaults applied and `${NAME}` expanded; without disabled servers. */
  readonly config: Config;
  /** In the order of the file. */
  readonly disabled: readonly DisabledServer[];
  /** The value of `MCPSTEAD_BEARER_TOKEN` if `mcp.auth.mode` is `bearer`, else null. */
  readonly bearerToken: string | null;
  /** The name of a server to the token in its `auth.token_env`. */
  readonly upstreamTokens: ReadonlyMap<string, string>;
  /** The key that is derived from `MCPSTEAD_STATE_KEY`, or null if that is not set. */
  readonly stateKey: Uint8Array | null;
  /** The variables that the file may refer to: those of the process, and those of `mcpstead.env` that the process lacks. */
  readonly environment: Environment;
  /** Every value that must never be shown. */
  readonly secrets: readonly string[];
  /** Warnings about valid settings that are rarely intended. */
  readonly warnings: readonly string[];
}

/** 1 MiB, enough for thousands of servers. A larger file is the wrong file. */
const maxFileBytes = 1_048_576;
const byteOrderMark = /^\uFEFF/;

/**
 * Parses a configuration; `path` is for messages, `env` holds the variables that it refers to. Throws a GatewayError
 * `config_invalid` with all problems, each with file, line and column.
 */
export function parseConfig(text: string, path: string, env: Environment): LoadedConfig {
  const source = new Source(path, text.replace(byteOrderMark, ''));
  const file = readYaml(source);
  const hidden = hiddenSpans(file, source);
  const expanded = expand(file, source, env);
  const parsed = configSchema.safeParse(expanded.value);
  const together = crossCheck(expanded.value, file, source, env);

  const unresolved = new Set([...file.unresolved, ...expanded.unresolved]);
  const found = [...(parsed.error?.issues ?? []), ...missingTargets(valueAt(expanded.value, ['servers']))];
  const issues = found.filter((issue) => !unresolved.has(pathKey(issue.path as Path)));
  const problems = [
    ...file.problems,
    ...expanded.problems,
    ...issueProblems(issues, expanded.value, file, source, hidden),
    ...together.problems,
  ];
  const { used, disabled } = splitDisabled(expanded.value);
  const { success, data: config } = disabled.length === 0 ? parsed : configSchema.safeParse(used);
  if (problems.length > 0 || !success) throw invalidConfig(source, problems, hidden);

  const { bearerToken, upstreamTokens } = together;
  const stateKey = stateKeyFrom(env[stateKeyVariable]);
  const own = [bearerToken, stateKey && env[stateKeyVariable]].filter((secret) => typeof secret === 'string');
  return {
    path,
    config,
    disabled,
    bearerToken,
    upstreamTokens,
    stateKey,
    environment: env,
    secrets: secretsOf(
      config,
      [...own, ...upstreamTokens.values()],
      withIndexes(expanded.expansions, disabled),
    ),
    warnings: [...together.warnings, ...foreignReferenceWarnings(file, source)],
  };
}

/** Adjusts the indexes of servers in the paths to a list without the disabled ones, which have no expansions. */
function withIndexes(expansions: readonly Expansion[], disabled: readonly DisabledServer[]): Expansion[] {
  return expansions.map(({ path: [top = '', index = 0, ...rest], ...expansion }) => {
    const before = disabled.filter((server) => server.index < Number(index)).length;
    return { ...expansion, path: [top, Number(index) - before, ...rest] };
  });
}

/**
 * Reads the configuration file at `path`, UTF-8 of at most 1 MiB, and the variables in `mcpstead.env` beside it, over which
 * those in `env` prevail. Throws like `parseConfig`, and if the file of variables is not valid or open to others.
 */
export async function loadConfig(path: string, env: Environment): Promise<LoadedConfig> {
  const text = readConfigText(path);
  const values = readEnvFile(envFilePath(path));
  const loaded = parseConfig(text, path, withDefaults(env, values));
  return { ...loaded, secrets: [...new Set([...loaded.secrets, ...secretsOfVariables(values)])] };
}

/** The text of the configuration file at `path`. Throws `config_invalid` if it is no file, too large or not UTF-8. */
export function readConfigText(path: string): string {
  return decode(readFile(path), path);
}

function readFile(path: string): Uint8Array {
  try {
    // Checked before opening: opening a pipe without a writer blocks forever.
    const status = statSync(path);
    if (status.isDirectory()) throw unusableFile(path, 'is a directory');
    if (!status.isFile()) throw unusableFile(path, 'is not a regular file, which a reload could read again');
    // Files of the system, such as those in /proc, report no size.
    const bytes = status.size > maxFileBytes ? null : descriptors.use(() => readFileSync(path));
    if (bytes === null || bytes.length > maxFileBytes) throw unusableFile(path, 'is larger than 1 MiB');
    return bytes;
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw unusableFile(path, unreadable[code] ?? `cannot be read: ${code}`);
  }
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'cannot be read: permission denied',
};

function decode(bytes: Uint8Array, path: string): string {
  // The mark stays, for those who write the text back.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (isUtf8(bytes)) return text;
  const at = text.indexOf('\uFFFD');
  const source = new Source(path, text);
  const message = 'this is not UTF-8; save the file in that encoding';
  throw invalidConfig(source, [{ span: { start: at, end: at + 1 }, message }], hiddenWords(text));
}
