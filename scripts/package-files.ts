import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Glob } from 'bun';
import { commands, root as program } from '../src/cli/command-table.ts';
import { completionScript } from '../src/cli/commands/completions.ts';
import { commit, root, version } from './checkout.ts';
import { manualPage } from './manual.ts';
import { thirdPartyNotices } from './notices.ts';
import { repository } from './targets.ts';

/** A text file that ships with the program, if it is in the checkout at the same path. */
export interface PackageFile {
  readonly path: string;
  readonly text: string;
}

/** LICENSE and THIRD-PARTY-NOTICES, which must accompany the program. */
export async function legalFiles(): Promise<PackageFile[]> {
  return [
    { path: 'LICENSE', text: readFileSync(join(root, 'LICENSE'), 'utf8') },
    { path: 'THIRD-PARTY-NOTICES', text: await thirdPartyNotices() },
  ];
}

/** The manual page, and the completions under the names by which each shell finds them. */
export function shellFiles(): PackageFile[] {
  const script = (shell: string) => completionScript(shell, program, commands);
  const { timeSeconds } = commit();
  return [
    { path: 'completions/_mcpstead', text: script('zsh') },
    { path: 'completions/mcpstead.bash', text: script('bash') },
    { path: 'completions/mcpstead.fish', text: script('fish') },
    { path: 'completions/mcpstead.ps1', text: script('powershell') },
    { path: 'man/mcpstead.1', text: manualPage({ root: program, commands, version, timeSeconds }) },
  ];
}

/**
 * The README, the changelog, all of docs/, `shellFiles` and `legalFiles`. Links to files that stay in the repository become links to the
 * repository at the tag of this version, so that no link is broken.
 */
export async function packageFiles(): Promise<PackageFile[]> {
  const docs = [...new Glob('docs/**/*').scanSync({ cwd: root })].map((path) => path.replaceAll('\\', '/'));
  const legal = await legalFiles();
  const paths = ['README.md', 'CHANGELOG.md', ...docs.toSorted()];
  const packed = new Set([...paths, ...legal.map(({ path }) => path)]);
  const pages = paths.map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text: path.endsWith('.md') ? withLinksOut(path, text, packed) : text };
  });
  return [...legal, ...pages, ...shellFiles()];
}

/** Makes the relative links of a page to files outside of `packed` absolute. */
function withLinksOut(page: string, text: string, packed: ReadonlySet<string>): string {
  return text.replace(/\]\((?![a-z]+:|#)([^)#\s]+)/g, (link, target: string) => {
    const path = posix.normalize(posix.join(posix.dirname(page), target)).replace(/\/$/, '');
    if (packed.has(path) || [...packed].some((each) => each.startsWith(`${path}/`))) return link;
    if (!existsSync(join(root, path))) throw new Error(`${page} links to ${target}, which does not exist`);
    const kind = statSync(join(root, path)).isDirectory() ? 'tree' : 'blob';
    return `](https://github.com/${repository}/${kind}/v${version}/${path}`;
  });
}
