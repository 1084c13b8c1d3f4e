import { emptyDraft, type ServerDraft } from '../../clients/draft.ts';
import { entryOf } from '../../clients/identity.ts';
import { withoutSecrets } from '../../clients/move-secrets.ts';
import { variablesIn } from '../../clients/references.ts';
import { Vault } from '../../clients/vault.ts';
import type { ServerEntry } from '../../config/edit.ts';
import { withDefaults } from '../../config/env-file.ts';
import { parseConfig } from '../../config/load.ts';
import { isVariableName, serverNameExpected } from '../../config/rules.ts';
import { isRecord } from '../../config/values.ts';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { applyTexts } from '../editing/apply.ts';
import { newTexts, readConfiguration } from '../editing/configuration.ts';
import { verifyServer } from '../editing/verify.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { shownPath } from '../terminal/shown-path.ts';

interface AddOptions {
  readonly configPath: string;
  readonly name: string;
  readonly url: string | undefined;
  /** The words after `--`; null if there are none. */
  readonly command: readonly string[] | null;
  /** `NAME=VALUE`, or `NAME` for the value that this process has. */
  readonly env: readonly string[];
  /** `NAME: VALUE` */
  readonly headers: readonly string[];
  readonly protocol: string | undefined;
  readonly isVerified: boolean;
}

/**
 * Adds a server to the configuration, its secrets to `mcpstead.env`, and reloads the running gateway. Connects to the server first:
 * if that fails, nothing is written.
 */
export async function addServer(options: AddOptions): Promise<ExitCode> {
  const { configPath, name } = options;
  const expected = serverNameExpected(name);
  if (expected !== null)
    throw new GatewayError('usage', `"${name}" cannot be the name: expected ${expected}`);
  const configuration = await readConfiguration(configPath);
  requireFree(name, configuration.value);
  const vault = new Vault(configuration.variables, place.env);
  const draft = withoutSecrets(draftOf(options), name, vault);
  requireVariables(draft, vault);
  const entry: ServerEntry = {
    ...entryOf(name, draft),
    ...(options.protocol !== undefined && options.protocol !== 'auto' && { protocol: options.protocol }),
  };
  const texts = newTexts(configuration, [entry], vault.added);
  if (options.isVerified) {
    const values = new Map([...configuration.variables, ...vault.added]);
    await verifyServer(parseConfig(texts.yaml, configPath, withDefaults(place.env, values)), name);
  }
  const outcome = await applyTexts(configuration, texts);
  const moved = [...vault.added.keys()];
  const lines = [
    ...(moved.length === 0 ? [] : [`${moved.join(', ')} → ${shownPath(configuration.envPath, place)}`]),
    `Added ${name} to ${shownPath(configPath, place)}. ${outcome}`,
  ];
  output.print(1, `${lines.join('\n')}\n`);
  return 0;
}

function requireFree(name: string, configured: Readonly<Record<string, unknown>>): void {
  const isTaken = (list: unknown) =>
    Array.isArray(list) && list.some((item) => isRecord(item) && item.name === name);
  if (isTaken(configured.servers))
    throw new GatewayError(
      'usage',
      `there is a server named "${name}" already; to replace it: mcpstead remove ${name}`,
    );
  if (isTaken(configured.profiles))
    throw new GatewayError('usage', `a profile is named "${name}": servers and profiles share their names`);
}

function draftOf({ url, command, env, headers }: AddOptions): ServerDraft {
  const [program, ...args] = command ?? [];
  if ((url === undefined) === (program === undefined)) {
    const forms = 'mcpstead add NAME URL, or mcpstead add NAME -- COMMAND…';
    throw new GatewayError(
      'usage',
      url === undefined
        ? `a server needs a URL or a command: ${forms}`
        : `a URL or a command, not both: ${forms}`,
    );
  }
  if (url !== undefined && env.length > 0)
    throw new GatewayError('usage', '--env is for servers with a command; one with a URL takes --header');
  if (program !== undefined && headers.length > 0)
    throw new GatewayError('usage', '--header is for servers with a URL; a command takes --env');
  return {
    ...emptyDraft,
    url: url ?? null,
    command: program ?? null,
    args,
    env: Object.fromEntries(env.map(variableOf)),
    headers: Object.fromEntries(headers.map(headerOf)),
  };
}

function variableOf(text: string): [string, string] {
  const [, name = text, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  // What is no name may be a secret.
  if (!isVariableName(name)) throw new GatewayError('usage', '--env expects NAME=VALUE, or NAME alone');
  if (value !== undefined) return [name, value];
  if (place.env[name] === undefined)
    throw new GatewayError('usage', `--env ${name}: this variable is not set here; pass --env ${name}=VALUE`);
  return [name, `\${${name}}`];
}

function headerOf(text: string): [string, string] {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new GatewayError('usage', '--header expects "NAME: VALUE", such as "X-API-Key: abc"');
  return [name, value];
}

/** Copies the values of variables that the texts refer to: the gateway may run with another environment. */
function requireVariables(draft: ServerDraft, vault: Vault): void {
  const { url, command, args, env, headers } = draft;
  const texts = [url ?? '', command ?? '', ...args, ...Object.values(env), ...Object.values(headers)];
  for (const { name, hasDefault } of texts.flatMap(variablesIn)) {
    if (vault.keep(name) || hasDefault) continue;
    throw new GatewayError(
      'usage',
      `\${${name}}: this variable is set neither here nor in mcpstead.env; set it, or pass its value`,
    );
  }
}
