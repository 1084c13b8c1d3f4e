import type { Environment } from '../runtime/environment.ts';

/** What decides where files are: the environment and the system, of this process or of a test. */
export interface Place {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
}

/** The home directory of the user, or null if the environment names none. */
export function homeDirectory({ env, platform }: Place): string | null {
  return (platform === 'win32' ? env.USERPROFILE : env.HOME) || null;
}

/** The configuration file that is used when none is named by default, or null without a home. */
export function customaryConfigPath(place: Place): string | null {
  const { env, platform } = place;
  if (platform === 'win32') return env.APPDATA ? `${env.APPDATA}\\mcpstead\\mcpstead.yaml` : null;
  // The XDG Base Directory Specification says to ignore a relative path.
  if (env.XDG_CONFIG_HOME?.startsWith('/')) return `${env.XDG_CONFIG_HOME}/mcpstead/mcpstead.yaml`;
  const home = homeDirectory(place);
  return home === null ? null : `${home}/.config/mcpstead/mcpstead.yaml`;
}
