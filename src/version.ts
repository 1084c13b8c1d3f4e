import { readFileSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };

/** The build's own identity, shown by `--version`, `initialize` and `mcpstead_build_info`. */
export interface BuildInfo {
  /** Semantic version of the package. */
  readonly version: string;
  /** Abbreviated git commit, or `unknown`. */
  readonly gitSha: string;
  /** Version of the Bun that runs it. */
  readonly bunVersion: string;
}

/** Set by the build (`bun build --define`); a run from a checkout has none and looks at `.git`. */
declare const MCPSTEAD_GIT_SHA: string | undefined;

/** This very build. */
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
    // An archive without .git, or a branch whose ref is packed.
    return 'unknown';
  }
}
