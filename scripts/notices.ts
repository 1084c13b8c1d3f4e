import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { root } from './checkout.ts';

/** A package of npm whose code is in the program. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** As its manifest calls it, such as `MIT`. */
  readonly license: string;
  /** What it asks to be handed on: the text of its license, and of its notice where it has one. */
  readonly text: string;
}

/** Of Bun's build: each file that it wrote, with the files whose code is in it. */
interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
}

const legalFile = /^(licen[sc]e|copying|notice)(\.|-|$)/i;

/**
 * The packages whose code is in the program, by name: not what package.json lists, but what the bundler took.
 * Throws an error that names a package without the text of its license.
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
  // The paths are relative to the folder that we run in.
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

/** The file THIRD-PARTY-NOTICES, for whatever carries the program: what is in it, and under which licenses. */
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
