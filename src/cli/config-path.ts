import { existsSync } from 'node:fs';
import { customaryConfigPath } from '../config/places.ts';
import { GatewayError } from '../errors.ts';
import { place } from './place.ts';

/**
 * The configuration file that the command line names, else the one that the environment names, else the customary one, whether
 * or not it exists. Throws `usage` if there is no customary one.
 */
export function configPath(flag: string | undefined): string {
  const path = flag || place.env.MCPSTEAD_CONFIG || customaryConfigPath(place);
  if (path) return path;
  throw noDirectory();
}

function noDirectory(): GatewayError {
  return new GatewayError(
    'usage',
    'no directory for the configuration, since HOME is not set: pass --config FILE or set MCPSTEAD_CONFIG=FILE',
  );
}

/**
 * Like {@link configPath}, but throws `usage` if only the customary file is left and does not exist. The message says how to begin, and
 * which servers the MCP clients of this user have.
 */
export async function existingConfig(flag: string | undefined): Promise<string> {
  const customary = customaryConfigPath(place);
  const path = flag || place.env.MCPSTEAD_CONFIG || (customary && existsSync(customary) ? customary : null);
  if (path) return path;
  if (customary === null) throw noDirectory();
  throw new GatewayError(
    'usage',
    'no configuration file: pass --config FILE or set MCPSTEAD_CONFIG=FILE' +
      `, or write ${customary}.\n${await foundServers()}\n` +
      'To try mcpstead without one, run "mcpstead demo".',
  );
}

async function foundServers(): Promise<string> {
  // Imported only here: most starts have a configuration.
  const { findServers } = await import('../clients/found-servers.ts');
  const { count, clients } = findServers(place);
  if (count === 0)
    return 'No servers were found in the files of MCP clients. To begin, run "mcpstead init", or "mcpstead add NAME URL".';
  const [servers, them] = count === 1 ? ['1 server was', 'it'] : [`${count} servers were`, 'them'];
  return `${servers} found in the files of ${clients.join(', ')}. To take ${them} over, run "mcpstead init".`;
}

/**
 * The configuration file that the command line or the environment names, else the customary one if it exists, else null. Throws
 * `config_invalid` if a named one does not exist: a command must not turn to the gateway of another one then.
 */
export function configIfAny(flag: string | undefined): string | null {
  const named = flag || place.env.MCPSTEAD_CONFIG;
  if (named && !existsSync(named)) throw new GatewayError('config_invalid', `${named} does not exist`);
  const path = named || customaryConfigPath(place);
  return path && existsSync(path) ? path : null;
}
