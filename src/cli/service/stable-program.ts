import type { Place } from '../../config/places.ts';
import { isForSingleRun, lastingPath } from '../lasting-program.ts';
import { unusable } from './obstacles.ts';

/** How a service starts mcpstead. */
export interface StableProgram {
  readonly argv: readonly string[];
  /** What the user should know of it, or null. */
  readonly note: string | null;
}

interface Surroundings extends Place {
  /** The home directory. */
  readonly home: string;
  /** The directory for temporary files. */
  readonly temporary: string;
}

/**
 * The program `argv` under a path that outlives an update: Homebrew's link instead of the folder of one version, or the same file
 * in a folder of PATH. Throws a GatewayError for a program that will be gone tomorrow.
 */
export function stableProgram(argv: readonly string[], around: Surroundings): StableProgram {
  const [path = '', ...sources] = argv;
  if (sources.length > 0) {
    return { argv, note: `the service runs the sources: ${sources.join(' ')}` };
  }
  if (isForSingleRun(path)) throw gone(path, 'was fetched for one run only');
  const isTemporary = isBelow(path, around.temporary) && !isBelow(path, around.home);
  if (isTemporary) throw gone(path, 'is in a folder for temporary files');
  const lasting = lastingPath(path, around);
  if (lasting !== null) return { argv: [lasting], note: null };
  return {
    argv,
    note: `${path} may go with the next update: run "mcpstead service install" again then`,
  };
}

function gone(path: string, why: string): Error {
  return unusable(
    `this mcpstead ${why}, and a service needs one that stays: ${path}.\n` +
      'Install it first, such as by "npm install --global @ahkohd/mcpstead", and run "mcpstead service install" then.',
  );
}

function isBelow(path: string, folder: string): boolean {
  const clean = folder.replace(/[/\\]+$/, '');
  return clean !== '' && (path.startsWith(`${clean}/`) || path.startsWith(`${clean}\\`));
}
