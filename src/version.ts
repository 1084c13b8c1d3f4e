import { readFileSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };

/** The identity of a build, as `--version`, `initialize` and `mcpstead_build_info` show it. */
export interface BuildInfo {
  /** Semantic version of the package. */
  readonly version: string;
  /** Abbreviated git commit, or `unknown`. */
  readonly gitSha: string;
  /** Version of the Bun that runs the program. */
  readonly bunVersion: string;
}

/** Set by the build (`bun build --define`); undefined in a checkout, where the commit comes from `.git`. */
declare const MCPSTEAD_GIT_SHA: string | undefined;

/** The running build. */
export const build: BuildInfo = {
  version: manifest.version,
  gitSha: (typeof MCPSTEAD_GIT_SHA === 'string' ? MCPSTEAD_GIT_SHA : shaOfCheckout()).slice(0, 12),
  bunVersion: Bun.version,
};

function shaOfCheckout(): string {
  const git = `${import.meta.dir}/../.git`;
  try {
    const head = readFileSync(`${git}/HEAD`, 'utf8').trim();
    if (!head.startsWith('ref: ')) return head;
    return readFileSync(`${git}/${head.slice('ref: '.length)}`, 'utf8').trim();
  } catch {
    // There is no .git, or the ref of the branch is packed.
    return 'unknown';
  }
}
