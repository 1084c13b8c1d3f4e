import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { GatewayError } from '../errors.ts';
import { descriptors } from '../runtime/descriptors.ts';
import { stateKeyFrom, stateKeyVariable } from '../state/key.ts';
import { checkTogether } from './checks.ts';
import { type DisabledServer, splitDisabled } from './disabled.ts';
import { pathKey, readYaml } from './document.ts';
import { type Environment, type Expansion, expand } from './expand.ts';
import { hiddenIn } from './hidden.ts';
import { issueProblems } from './issues.ts';
import { invalidConfig, type Path, unusableFile } from './problems.ts';
import { type Config, configSchema } from './schema.ts';
import { secretsOf } from './secrets.ts';
import { Source } from './source.ts';
import { hiddenWords } from './syntax.ts';
import { foreignReferences } from './variables.ts';

/** A configuration that was read, checked and completed: what the gateway runs with. */
export interface LoadedConfig {
  /** Where it was read from, for messages. */
  readonly path: string;
  /** Validated, with defaults applied and `${NAME}` expanded; without the servers that are switched off. */
  readonly config: Config;
  /** In the order of the file. */
  readonly disabled: readonly DisabledServer[];
  /** The value of `MCPSTEAD_BEARER_TOKEN` when `mcp.auth.mode` is `bearer`, else null. */
  readonly bearerToken: string | null;
  /** Server name to the value of its `auth.token_env`. */
  readonly upstreamTokens: ReadonlyMap<string, string>;
  /** The key that is made of `MCPSTEAD_STATE_KEY`, or null where that is not set. */
  readonly stateKey: Uint8Array | null;
  /** Every value that must never be shown. */
  readonly secrets: readonly string[];
  /** What is valid in the file and its environment, but seldom meant. */
  readonly warnings: readonly string[];
}

/** 1 MiB: thousands of servers. What is larger is the wrong file. */
const maxFileBytes = 1_048_576;
const byteOrderMark = /^\uFEFF/;

/**
 * Reads a configuration from `text`; `path` is for messages, `env` holds the variables that it refers to.
 * Throws a GatewayError `config_invalid` that tells all problems with file, line and column.
 */
export function parseConfig(text: string, path: string, env: Environment): LoadedConfig {
  const source = new Source(path, text.replace(byteOrderMark, ''));
  const file = readYaml(source);
  const hidden = hiddenIn(file, source);
  const expanded = expand(file, source.text, env);
  const parsed = configSchema.safeParse(expanded.value);
  const together = checkTogether(expanded.value, file, source, env);

  const unclear = new Set([...file.broken, ...expanded.broken]);
  const issues = (parsed.error?.issues ?? []).filter((issue) => !unclear.has(pathKey(issue.path as Path)));
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
    secrets: secretsOf(
      config,
      [...own, ...upstreamTokens.values()],
      withIndexes(expanded.expansions, disabled),
    ),
    warnings: [...together.warnings, ...foreignReferences(file, source)],
  };
}

/** The expansions with the indexes that servers have without the disabled ones, which have no expansions. */
function withIndexes(expansions: readonly Expansion[], disabled: readonly DisabledServer[]): Expansion[] {
  return expansions.map(({ path: [top = '', index = 0, ...rest], value }) => {
    const before = disabled.filter((server) => server.index < Number(index)).length;
    return { path: [top, Number(index) - before, ...rest], value };
  });
}

/** Reads the configuration file at `path`: UTF-8, 1 MiB at most. Throws as `parseConfig` does. */
export async function loadConfig(path: string, env: Environment): Promise<LoadedConfig> {
  return parseConfig(decode(readFile(path), path), path, env);
}

function readFile(path: string): Uint8Array {
  try {
    // Looked at before it is opened: opening a pipe that nobody writes to would wait forever.
    const status = statSync(path);
    if (status.isDirectory()) throw unusableFile(path, 'is a directory');
    if (!status.isFile()) throw unusableFile(path, 'is not a regular file, which a reload could read again');
    // Of files of the system's the size is not known before.
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
  const text = new TextDecoder().decode(bytes);
  if (isUtf8(bytes)) return text;
  const at = text.indexOf('\uFFFD');
  const source = new Source(path, text);
  const message = 'this is not UTF-8; save the file in that encoding';
  throw invalidConfig(source, [{ span: { start: at, end: at + 1 }, message }], hiddenWords(text));
}
