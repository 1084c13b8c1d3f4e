import { existsSync, readFileSync, rmSync } from 'node:fs';
import { parse } from 'yaml';
import { addServers, type ServerEntry } from '../../config/edit.ts';
import { envFilePath, readEnvFile, withDefaults, withEnvValues } from '../../config/env-file.ts';
import { loadConfig, parseConfig, readConfigText } from '../../config/load.ts';
import { isRecord, type Mapping } from '../../config/values.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import { build } from '../../version.ts';
import { place } from '../place.ts';

/** The configuration before the import: it may not exist yet. */
export interface Configuration {
  readonly path: string;
  readonly envPath: string;
  /** Empty if the file does not exist. */
  readonly text: string;
  /** The values in the file, as they stand there. */
  readonly value: Mapping;
  readonly variables: ReadonlyMap<string, string>;
  readonly port: number;
}

/** Both files after the import. */
interface NewTexts {
  readonly yaml: string;
  readonly env: string;
}

const usualPort = 8766;
const schemaUrl = `https://raw.githubusercontent.com/ahkohd/mcpstead/v${build.version}/docs/config.schema.json`;

/** Reads the configuration and its variables. Throws `config_invalid` if one of the files is invalid. */
export async function readConfiguration(path: string): Promise<Configuration> {
  const envPath = envFilePath(path);
  const variables = readEnvFile(envPath);
  const common = { path, envPath, variables };
  const text = textOf(path);
  // A file of comments has no value, which is no fault of a person who begins.
  const parsed: unknown = text.trim() === '' ? null : parse(text, { logLevel: 'silent' });
  if (!isRecord(parsed)) return { ...common, text, value: {}, port: usualPort };
  const { config } = await loadConfig(path, place.env);
  return { ...common, text, value: parsed, port: config.port };
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
  const { path, envPath, text, variables } = configuration;
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
  return { yaml, env: withEnvValues(textOf(envPath), values, envPath) };
}

/**
 * Writes both files, or none: values first, so that no server ever lacks them. Throws if they changed since they were read, or
 * cannot be written.
 */
export function writeBoth({ path, envPath, text }: Configuration, { yaml, env }: NewTexts): void {
  if (textOf(path) !== text) {
    throw new GatewayError(
      'internal',
      `${path} was changed meanwhile, so nothing is written; run the import again`,
    );
  }
  const before = existsSync(envPath) ? readFileSync(envPath) : null;
  try {
    if (env !== (before?.toString() ?? '')) replaceFile(envPath, env, 0o600);
    replaceFile(path, yaml);
  } catch (error) {
    if (before === null) rmSync(envPath, { force: true });
    else if (textOf(envPath) !== before.toString()) replaceFile(envPath, before);
    throw new GatewayError('internal', `nothing is written: ${messageOf(error)}`);
  }
}
