import type { Environment } from '../runtime/environment.ts';

/** What decides where the files of a user are. */
export interface Place {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
}

/** The directory of the user; null if the environment names none. */
export function homeDirectory({ env, platform }: Place): string | null {
  return (platform === 'win32' ? env.USERPROFILE : env.HOME) || null;
}

/**
 * The file that is the configuration if none is named: `mcpstead/mcpstead.yaml` in the directory for configurations of the
 * XDG Base Directory Specification (on macOS, too), or on Windows in `%APPDATA%`. Null if the environment names none.
 */
export function customaryConfigPath(place: Place): string | null {
  const { env, platform } = place;
  if (platform === 'win32') return env.APPDATA ? `${env.APPDATA}\\mcpstead\\mcpstead.yaml` : null;
  // The specification says to ignore a relative path.
  const home = homeDirectory(place);
  const directory = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : home && `${home}/.config`;
  return directory ? `${directory}/mcpstead/mcpstead.yaml` : null;
}
