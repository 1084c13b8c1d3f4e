import type { Place } from '../../config/places.ts';
import { lastingPath, launcherPath } from '../lasting-program.ts';

/** How a client starts this program. */
interface ClientProgram {
  /** An absolute path: programs with windows do not have the PATH of a shell. */
  readonly command: string;
  /** The arguments before those of mcpstead. */
  readonly args: readonly string[];
}

/**
 * This program under a path that outlives an update, if there is one: else the launcher of npm.
 * @param own the words that start this process
 */
export function clientProgram(own: readonly string[], place: Place): ClientProgram {
  const [program = '', ...args] = own;
  // From the sources, nothing else is the same program.
  if (args.length > 0) return { command: program, args };
  return { command: lastingPath(program, place) ?? launcherPath(program, place) ?? program, args };
}
