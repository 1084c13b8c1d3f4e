import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { root } from './checkout.ts';

/** An npm package whose code is in the program. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** As named in its manifest, such as `MIT`. */
  readonly license: string;
  /** The texts that must be passed on: its license, and its notice if it has one. */
  readonly text: string;
}

/** The metadata of Bun's build: each output file, with the source files in it. */
interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
}

const legalFile = /^(licen[sc]e|copying|notice)(\.|-|$)/i;

/**
 * The packages whose code is in the program, sorted by name, as the bundler included them (not as package.json lists them).
 * Throws if a package has no license text.
 */
export async function bundledPackages(): Promise<BundledPackage[]> {
  const built = await Bun.build({
    entrypoints: [join(root, 'src', 'main.ts')],
    target: 'bun',
    minify: true,
    metafile: true,
  });
  const { outputs } = (built as unknown as { readonly metafile: Metafile }).metafile;
  const paths = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const folders = paths.map((path) => /^.*node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(path)?.[0]);
  const found = new Set(folders.filter((folder) => folder !== undefined));
  // The paths are relative to the working directory.
  return [...found].map((folder) => packageIn(join(process.cwd(), folder))).toSorted(byName);
}

function packageIn(folder: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => legalFile.test(file));
  if (files.length === 0)
    throw new Error(`${name} ${version} is in the program, but has no license in ${folder}`);
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
  return { name, version, license, text };
}

const byName = (a: BundledPackage, b: BundledPackage) => (a.name < b.name ? -1 : 1);

/** The text of THIRD-PARTY-NOTICES: the third-party code in the program and its licenses. */
export async function thirdPartyNotices(): Promise<string> {
  const notice = (name: string) =>
    readFileSync(join(dirname(import.meta.path), 'notices', name), 'utf8').trim();
  const packages = await bundledPackages();
  const bun = notice('bun.md').replaceAll('{{version}}', manifest.devDependencies.bun);
  return [
    '# Third-party notices',
    'mcpstead is under the MIT License; see LICENSE. The program also contains the works of others, under these licenses.',
    ...packages.map(({ name, version, license, text }) => `## ${name} ${version} (${license})\n\n${text}`),
    `## Bun ${manifest.devDependencies.bun}\n\n${bun}`,
    `## The MIT License\n\n${notice('mit.txt')}`,
    `## The GNU Lesser General Public License\n\n${notice('lgpl-2.1.txt')}`,
    `## The Apache License\n\n${notice('apache-2.0.txt')}`,
  ]
    .join('\n\n')
    .concat('\n');
}
