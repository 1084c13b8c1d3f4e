import type { LoadedConfig } from '../../config/load.ts';
import type { ServerConfig } from '../../config/schema.ts';
import { Redactor } from '../../observability/redact.ts';
import { isModernVersion } from '../../protocol/versions.ts';
import { type ConnectResult, connectAll } from '../checking/connect-all.ts';
import type { FixableWarning, ItemWarning } from '../checking/served-items.ts';
import type { Check } from '../contracts/doctor.ts';
import { good, note, problem } from './checks.ts';

/** Connects to each server once. @param isRunning whether a gateway runs, whose log says more */
export async function serverChecks(loaded: LoadedConfig, isRunning: boolean): Promise<Check[]> {
  const redactor = new Redactor();
  redactor.setSecrets(loaded.secrets);
  const { results, warnings, unmatched } = await connectAll(loaded, redactor);
  const named = results.flatMap((result, index) => {
    const server = loaded.config.servers[index] as ServerConfig;
    return [
      resultCheck(server, result, isRunning),
      ...result.warnings.map(nameCheck),
      ...dialectChecks(server, result),
    ];
  });
  const checks = [...named, ...warnings.map(nameCheck), ...unmatched.map(settingCheck)];
  return checks.map((check) => ({ ...check, message: redactor.redact(check.message) }));
}

function resultCheck(
  { name, command, auth }: ServerConfig,
  { rows, cause }: ConnectResult,
  isRunning: boolean,
): Check {
  if (cause === null)
    return good(
      'servers',
      `connected ${String(rows.connected).replace(/^yes, /, '')}, ${rows.tools} ${rows.tools === 1 ? 'tool' : 'tools'}`,
      name,
    );
  const isRefused = /\b40[13]\b/.test(cause);
  const token = auth === 'none' ? 'its credentials' : auth.token_env;
  const more = isRunning
    ? `mcpstead logs ${name}`
    : command === undefined
      ? 'is it running? else fix its url'
      : `mcpstead call ${name}.TOOL shows more`;
  return problem(
    'servers',
    cause,
    isRefused ? `check ${token} in mcpstead.env or the environment` : more,
    name,
  );
}

function nameCheck({ subject, text, fix }: FixableWarning): Check {
  return problem('names', text, fix, subject);
}

/** No more than a note: the name may be meant for a tool to come. */
function settingCheck({ subject, text }: ItemWarning): Check {
  return note('names', text, 'correct it in the configuration if it is misspelt', subject);
}

/** Servers made with FastMCP 4 speak both eras, and ask only clients of the legacy one (docs/operations.md). */
function dialectChecks(server: ServerConfig, { rows, protocolVersion }: ConnectResult): Check[] {
  const words = [String(rows.server), server.command ?? '', ...(server.args ?? [])];
  if (
    server.era !== 'auto' ||
    !isModernVersion(protocolVersion) ||
    !words.some((word) => /fastmcp/i.test(word))
  )
    return [];
  const what = 'FastMCP speaks both eras, and its tools ask their questions only in the legacy one';
  return [note('servers', what, 'if its tools ask, set "era: legacy"', server.name)];
}
