// Starts and controls the load generator's process.

import { join } from 'node:path';
import type { LoadResults, LoadSpec } from './load.ts';
import { linesOf, measured } from './processes.ts';

/** The longest that one load may take. */
const loadTimeoutMs = 180_000;

/** The load generator's process. */
export interface Load extends AsyncDisposable {
  /** Runs `spec` to its end. Rejects if a response was wrong or missing. */
  run<K extends LoadSpec['kind']>(spec: LoadSpec & { readonly kind: K }): Promise<LoadResults[K]>;
}

/** Starts the load generator. */
export function startLoad(): Load {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'load.ts')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const load = measured(child, 0);
  const nextLine = linesOf(child.stdout, 'the load generator');
  return {
    async run(spec) {
      child.stdin.write(`${JSON.stringify(spec)}\n`);
      child.stdin.flush();
      const line = await nextLine(loadTimeoutMs).catch((reason) => {
        // A late reply would be mistaken for that to the next spec.
        child.kill('SIGKILL');
        throw reason;
      });
      const { result, error } = JSON.parse(line);
      if (error !== undefined) throw new Error(error);
      return result;
    },
    [Symbol.asyncDispose]: () => load[Symbol.asyncDispose](),
  };
}
