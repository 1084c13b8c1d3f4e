import { type Edit, removeServer, setEnabled } from '../../config/edit.ts';
import { withDefaults } from '../../config/env-file.ts';
import { type LoadedConfig, parseConfig } from '../../config/load.ts';
import { didYouMean } from '../../config/suggest.ts';
import { isRecord, type Mapping } from '../../config/values.ts';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { applyTexts } from '../editing/apply.ts';
import { type Configuration, readConfiguration } from '../editing/configuration.ts';
import { verifyServer } from '../editing/verify.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { shownPath } from '../terminal/shown-path.ts';

/** Removes the server from the configuration, and reloads the running gateway. Its variables stay in `mcpstead.env`. */
export async function remove(configPath: string, name: string): Promise<ExitCode> {
  const configuration = await withServer(configPath, name);
  const { texts } = changed(configuration, removeServer(configuration.text, name));
  const outcome = await applyTexts(configuration, texts);
  const unused = [...configuration.variables.keys()].filter(
    (variable) => mentions(configuration.text, variable) && !mentions(texts.yaml, variable),
  );
  const rest =
    unused.length === 0
      ? ''
      : `\nNothing refers to ${unused.join(', ')} in ${shownPath(configuration.envPath, place)} any more.`;
  output.print(1, `Removed ${name} from ${shownPath(configPath, place)}. ${outcome}${rest}\n`);
  return 0;
}

/** Enables the server, after connecting to it unless told not to, and reloads the running gateway. */
export async function enable(configPath: string, name: string, isVerified: boolean): Promise<ExitCode> {
  const configuration = await withServer(configPath, name);
  const { texts, loaded } = changed(configuration, setEnabled(configuration.text, name, true));
  if (texts.yaml === configuration.text) return unchanged(`${name} is enabled already.`);
  if (isVerified) await verifyServer(loaded, name);
  const outcome = await applyTexts(configuration, texts);
  output.print(1, `Enabled ${name} in ${shownPath(configPath, place)}. ${outcome}\n`);
  return 0;
}

/** Disables the server, and reloads the running gateway. */
export async function disable(configPath: string, name: string): Promise<ExitCode> {
  const configuration = await withServer(configPath, name);
  const { texts } = changed(configuration, setEnabled(configuration.text, name, false));
  if (texts.yaml === configuration.text) return unchanged(`${name} is disabled already.`);
  const outcome = await applyTexts(configuration, texts);
  output.print(1, `Disabled ${name} in ${shownPath(configPath, place)}. ${outcome}\n`);
  return 0;
}

function unchanged(text: string): ExitCode {
  output.print(1, `${text}\n`);
  return 0;
}

/** Whether the text of a configuration names a variable. */
const mentions = (yaml: string, variable: string) => new RegExp(`\\b${variable}\\b`).test(yaml);

/** Reads a valid configuration. Throws `usage` if it has no server of this name. */
async function withServer(configPath: string, name: string): Promise<Configuration> {
  const configuration = await readConfiguration(configPath);
  const names = namesIn(configuration.value);
  if (names.includes(name)) return configuration;
  const others =
    names.length === 0 ? 'it has none' : didYouMean(name, names) || `its servers: ${names.join(', ')}`;
  throw new GatewayError(
    'usage',
    `there is no server named "${name}" in ${shownPath(configPath, place)}; ${others.replace(/^; /, '')}`,
  );
}

function namesIn({ servers }: Mapping): string[] {
  return (Array.isArray(servers) ? servers : []).flatMap((server) =>
    isRecord(server) && typeof server.name === 'string' ? server.name : [],
  );
}

/** The texts after an edit, which must be valid. Throws `config_invalid` with the lines to write by hand if it was refused. */
function changed(
  configuration: Configuration,
  edit: Edit,
): { texts: { yaml: string; env: string }; loaded: LoadedConfig } {
  const { path, variables, envText } = configuration;
  if ('refusal' in edit) {
    throw new GatewayError(
      'config_invalid',
      `${shownPath(path, place)} is not changed: ${edit.refusal}. Edit it by hand; the server is the one with\n${edit.lines}`,
    );
  }
  const loaded = parseConfig(edit.text, path, withDefaults(place.env, variables));
  return { texts: { yaml: edit.text, env: envText }, loaded };
}
