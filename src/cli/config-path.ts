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
  throw new GatewayError(
    'usage',
    'no directory for the configuration, since HOME is not set: pass --config FILE or set MCPSTEAD_CONFIG=FILE',
  );
}

/** Like {@link configPath}, but throws `usage` if only the customary file is left and does not exist. */
export function existingConfig(flag: string | undefined): string {
  const customary = customaryConfigPath(place);
  const path = flag || place.env.MCPSTEAD_CONFIG || (customary && existsSync(customary) ? customary : null);
  if (path) return path;
  throw new GatewayError(
    'usage',
    'no configuration file: pass --config FILE or set MCPSTEAD_CONFIG=FILE' +
      `${customary ? `, or write ${customary}` : ''}.\nTo try mcpstead without one, run "mcpstead demo".`,
  );
}
