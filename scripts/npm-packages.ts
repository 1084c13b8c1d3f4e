import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { binaryFolder, dist, root, version } from './checkout.ts';
import { legalFiles, type PackageFile, packageFiles } from './package-files.ts';
import { launcherPackage, repository, type Target, targets } from './targets.ts';

/** The fields of every manifest. npm's provenance checks `repository` against the origin of the publication. */
const common = {
  version,
  license: manifest.license,
  homepage: `https://github.com/${repository}#readme`,
  repository: { type: 'git', url: `git+https://github.com/${repository}.git` },
  publishConfig: { access: 'public' },
};

/** The manifest of the package with the program for `target`. */
export function platformManifest(target: Target) {
  return {
    name: target.npmPackage,
    description: `The ${target.name} program of ${launcherPackage}`,
    ...common,
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc && { libc: [target.libc] }),
    files: ['bin', 'THIRD-PARTY-NOTICES'],
    // Yarn's Plug'n'Play keeps packages zipped, and a zipped program cannot be executed.
    preferUnplugged: true,
  };
}

/** The manifest of the package that users install. */
export function launcherManifest() {
  return {
    name: launcherPackage,
    description: manifest.description,
    ...common,
    keywords: ['mcp', 'model-context-protocol', 'gateway', 'proxy'],
    type: 'module',
    bin: { mcpstead: 'bin/mcpstead.mjs' },
    // npm links it into the manual of a global installation.
    man: ['man/mcpstead.1'],
    files: ['bin', 'lib', 'docs', 'completions', 'man', 'CHANGELOG.md', 'THIRD-PARTY-NOTICES'],
    // Yarn's Plug'n'Play loads ES modules from its zips only if the project uses ES modules itself.
    preferUnplugged: true,
    engines: { node: '>=18' },
    optionalDependencies: Object.fromEntries(targets.map((target) => [target.npmPackage, version])),
  };
}

/** Writes the package folders to `folder`: one for each of `chosen`, and the launcher's. */
export async function writeNpmPackages(
  folder = join(dist, 'npm'),
  chosen: readonly Target[] = targets,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const legal = await legalFiles();
  for (const target of chosen) {
    const home = join(folder, target.name);
    mkdirSync(join(home, 'bin'), { recursive: true });
    cpSync(join(binaryFolder(target.name), target.executable), join(home, 'bin', target.executable));
    writeFiles(home, legal);
    writeJson(join(home, 'package.json'), platformManifest(target));
    writeFileSync(
      join(home, 'README.md'),
      `# ${target.npmPackage}\n\nThe ${target.name} program of [${launcherPackage}](${common.homepage}). Install that one: ` +
        'it brings the program for your platform along.\n',
    );
  }
  const home = join(folder, 'mcpstead');
  cpSync(join(root, 'npm', 'mcpstead'), home, { recursive: true });
  writeFiles(home, await packageFiles());
  writeJson(join(home, 'package.json'), launcherManifest());
}

function writeFiles(folder: string, files: readonly PackageFile[]): void {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
