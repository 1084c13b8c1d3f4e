import { existsSync, rmSync } from 'node:fs';
import { parse } from 'yaml';
import { defaultPort } from '../../config/default-port.ts';
import { addServers, type ServerEntry } from '../../config/edit.ts';
import { envFilePath, readEnvFile, withDefaults, withEnvValues } from '../../config/env-file.ts';
import { type LoadedConfig, loadConfig, parseConfig, readConfigText } from '../../config/load.ts';
import { isRecord, type Mapping } from '../../config/values.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import { build } from '../../version.ts';
import { place } from '../place.ts';

/** The configuration before a change: it may not exist yet. */
export interface Configuration {
  readonly path: string;
  readonly envPath: string;
  /** Empty if the file does not exist. */
  readonly text: string;
  /** The values in the file, as they stand there. */
  readonly value: Mapping;
  readonly variables: ReadonlyMap<string, string>;
  /** The text of `mcpstead.env`; empty if it does not exist. */
  readonly envText: string;
  readonly port: number;
  /** Null if there is nothing in the file yet. */
  readonly loaded: LoadedConfig | null;
}

/** Both files after a change. */
export interface NewTexts {
  readonly yaml: string;
  readonly env: string;
}

const schemaUrl = `https://raw.githubusercontent.com/ahkohd/mcpstead/v${build.version}/docs/config.schema.json`;

/** Reads the configuration and its variables. Throws `config_invalid` if one of the files is invalid. */
export async function readConfiguration(path: string): Promise<Configuration> {
  const envPath = envFilePath(path);
  const variables = readEnvFile(envPath);
  const common = { path, envPath, variables, envText: textOf(envPath) };
  const text = existsSync(path) ? readConfigText(path) : '';
  // A file of comments has no value, which is no fault of a person who begins.
  if (/^\uFEFF?(?:\s|#.*|---(?=\s))*$/.test(text))
    return { ...common, text, value: {}, port: defaultPort, loaded: null };
  const loaded = await loadConfig(path, place.env);
  const value: unknown = parse(text, { logLevel: 'silent' });
  return { ...common, text, value: isRecord(value) ? value : {}, port: loaded.config.port, loaded };
}

const textOf = (path: string) => (existsSync(path) ? readConfigText(path) : '');

/**
 * The texts of both files with servers and values added. Throws `config_invalid` with the lines to paste if the layout of the YAML
 * allows no edit.
 */
export function newTexts(
  configuration: Configuration,
  entries: readonly ServerEntry[],
  values: ReadonlyMap<string, string>,
): NewTexts {
  const { path, envPath, envText, text, variables } = configuration;
  const edit = addServers(text, entries);
  if ('refusal' in edit) {
    throw new GatewayError(
      'config_invalid',
      `${path} is not changed: ${edit.refusal}. The servers to add:\n${edit.lines}`,
    );
  }
  const yaml = text === '' ? `# yaml-language-server: $schema=${schemaUrl}\n${edit.text}` : edit.text;
  const merged = new Map([...variables, ...values]);
  // Whatever is written is valid.
  parseConfig(yaml, path, withDefaults(place.env, merged));
  return { yaml, env: withEnvValues(envText, values, envPath) };
}

/**
 * Writes both files, or none: values first, so that no server ever lacks them. Throws if they changed since they were read, or
 * cannot be written.
 * @returns brings back both files as they were, unless somebody has changed them since
 */
export function writeBoth(
  { path, envPath, text, envText }: Configuration,
  { yaml, env }: NewTexts,
): () => void {
  const files: readonly FileChange[] = [
    { path: envPath, before: existsSync(envPath) ? envText : null, after: env, mode: 0o600 },
    { path, before: existsSync(path) ? text : null, after: yaml },
  ].filter(({ before, after }) => after !== (before ?? ''));
  const undo = () => {
    for (const file of files) restore(file);
  };
  let target = path;
  try {
    for (const file of [
      { path, before: text },
      { path: envPath, before: envText },
    ])
      requireUnchanged(file);
    for (const file of files) {
      target = file.path;
      replaceFile(target, file.after, file.mode, () => requireUnchanged(file));
    }
  } catch (error) {
    undo();
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('file_unusable', `nothing is written: ${cannotWrite(target, error)}`);
  }
  return undo;
}

interface FileChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string;
  readonly mode?: number;
}

/** Two commands at once must not take back each other's change. */
function requireUnchanged({ path, before }: Pick<FileChange, 'path' | 'before'>): void {
  if (textOf(path) === (before ?? '')) return;
  throw new GatewayError(
    'internal',
    `${path} was changed meanwhile, so nothing is written; run the command again`,
  );
}

function restore(file: FileChange): void {
  if (textOf(file.path) !== file.after) return;
  if (file.before === null) rmSync(file.path, { force: true });
  else replaceFile(file.path, file.before);
}

/** The error names a temporary file, which means nothing to a person. */
function cannotWrite(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const reason = unwritable[code ?? ''];
  return reason === undefined ? messageOf(error) : `${path}: ${reason}; for another place pass --config FILE`;
}

const unwritable: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  ENOENT: 'its directory cannot be made',
};
