// The load generator, seen from the process that runs the benchmark.

import { join } from 'node:path';
import type { LoadAnswers, LoadSpec } from './load.ts';
import { linesOf, measured } from './processes.ts';

/** What a load may take at most. */
const loadTimeoutMs = 180_000;

/** The load generator's process. */
export interface Load extends AsyncDisposable {
  /** Runs `spec` to its end. Throws where an answer was wrong or missing. */
  run<K extends LoadSpec['kind']>(spec: LoadSpec & { readonly kind: K }): Promise<LoadAnswers[K]>;
}

/** Starts the load generator. */
export function startLoad(): Load {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'load.ts')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const load = measured(child, 0, () => {});
  const nextLine = linesOf(child.stdout, 'the load generator');
  return {
    async run(spec) {
      child.stdin.write(`${JSON.stringify(spec)}\n`);
      child.stdin.flush();
      const line = await nextLine(loadTimeoutMs).catch((reason) => {
        // What it said later would be taken for the answer to the next spec.
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
