import { existsSync, readFileSync, unlinkSync } from 'node:fs';
import type { Environment } from '../runtime/environment.ts';
import type { GuardedContainer } from './process-guard.ts';

/** How long a container runtime may take to remove a container. */
const removeTimeoutMs = 10_000;

/**
 * The container that a command starts. Ending the client of a container runtime may leave the container behind, so the runtime
 * writes its id to a file, by which it is removed at last.
 */
export class StartedContainer implements GuardedContainer {
  readonly idFile: string;
  readonly runtime: string;
  readonly #env: Environment;

  constructor(runtime: string, idFile: string, env: Environment) {
    this.runtime = runtime;
    this.idFile = idFile;
    this.#env = env;
  }

  /** Removes the container if there is one. Never rejects. */
  async remove(): Promise<void> {
    const id = this.#id();
    if (id !== null) {
      try {
        const removal = Bun.spawn([this.runtime, 'rm', '-f', id], {
          env: this.#env,
          stdio: ['ignore', 'ignore', 'ignore'],
          timeout: removeTimeoutMs,
          killSignal: 'SIGKILL',
        });
        await removal.exited;
      } catch {
        // The runtime is gone.
      }
    }
    try {
      unlinkSync(this.idFile);
    } catch {
      // It was never written.
    }
  }

  #id(): string | null {
    try {
      if (!existsSync(this.idFile)) return null;
      const id = readFileSync(this.idFile, 'utf8').trim();
      return /^[0-9a-zA-Z]{1,128}$/.test(id) ? id : null;
    } catch {
      return null;
    }
  }
}
