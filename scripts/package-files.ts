import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Glob } from 'bun';
import { root, version } from './checkout.ts';
import { thirdPartyNotices } from './notices.ts';
import { repository } from './targets.ts';

/** A text file that ships with the program, at the same path as in the checkout. */
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

/**
 * The README, the changelog, all of docs/ and `legalFiles`. Links to files that stay in the repository become links to the
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
  return [...legal, ...pages];
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
