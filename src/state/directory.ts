import type { Environment } from '../runtime/environment.ts';

/**
 * The customary directory for state: the one that systemd names (systemd.exec(5), STATE_DIRECTORY), else the one of the XDG
 * Base Directory Specification or of Windows. Null if the environment names none.
 */
export function customaryDirectory(env: Environment, platform: NodeJS.Platform): string | null {
  // A unit may have several; the first one counts.
  const [given] = (env.STATE_DIRECTORY ?? '').split(platform === 'win32' ? ';' : ':');
  if (given) return given;
  // The specification says to ignore a relative path.
  if (env.XDG_STATE_HOME?.startsWith('/')) return `${env.XDG_STATE_HOME}/mcpstead`;
  if (platform === 'win32') return env.LOCALAPPDATA ? `${env.LOCALAPPDATA}\\mcpstead` : null;
  return env.HOME ? `${env.HOME}/.local/state/mcpstead` : null;
}
