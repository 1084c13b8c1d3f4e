const variable = 'BUN_CONFIG_MAX_HTTP_REQUESTS';
/** The most that Bun takes; by itself it has 256 requests in flight, and every open stream counts as one. */
const maxFetches = '65535';

/**
 * Starts this program anew, as the same process, with Bun's limit of fetches in flight raised.
 *
 * Bun reads the limit before any of our code runs, so there is no other way to set it from within.
 * Returns where nothing has to be done: it is set already (by us or by the user), or the system (Windows)
 * cannot replace a running program.
 */
export function raiseFetchLimit(): void {
  if (process.env[variable] !== undefined || !process.execve) return;
  // In a compiled program the second word is a path inside of it, which it adds by itself.
  const words = Bun.isStandaloneExecutable
    ? process.argv.slice(2)
    : [...process.execArgv, ...process.argv.slice(1)];
  try {
    process.execve(process.execPath, [process.argv0, ...words], { ...process.env, [variable]: maxFetches });
  } catch {
    // Not allowed here, or the file is gone: 256 fetches serve nearly everyone.
  }
}
