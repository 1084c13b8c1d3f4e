import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { binaryFolder, dist, root, version } from './checkout.ts';
import { launcherPackage, repository, type Target, targets } from './targets.ts';

/** What every package says of itself; npm's provenance compares `repository` with where it was published from. */
const common = {
  version,
  license: manifest.license,
  homepage: `https://github.com/${repository}#readme`,
  repository: { type: 'git', url: `git+https://github.com/${repository}.git` },
  publishConfig: { access: 'public' },
};

/** The manifest of the package that carries the program for `target`. */
export function platformManifest(target: Target) {
  return {
    name: target.npmPackage,
    description: `The ${target.name} program of ${launcherPackage}`,
    ...common,
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc && { libc: [target.libc] }),
    files: ['bin'],
    // Yarn's Plug'n'Play keeps packages zipped, but what is zipped cannot be executed.
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
    files: ['bin', 'lib', 'config.schema.json'],
    // Yarn's Plug'n'Play loads ES modules from its zips only in projects that are ES modules themselves.
    preferUnplugged: true,
    engines: { node: '>=18' },
    optionalDependencies: Object.fromEntries(targets.map((target) => [target.npmPackage, version])),
  };
}

/** Writes the package folders to `folder`: one for each of `chosen`, and the launcher's. */
export function writeNpmPackages(folder = join(dist, 'npm'), chosen: readonly Target[] = targets): void {
  rmSync(folder, { recursive: true, force: true });
  for (const target of chosen) {
    const home = join(folder, target.name);
    mkdirSync(join(home, 'bin'), { recursive: true });
    cpSync(join(binaryFolder(target.name), target.executable), join(home, 'bin', target.executable));
    cpSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
    writeJson(join(home, 'package.json'), platformManifest(target));
    writeFileSync(
      join(home, 'README.md'),
      `# ${target.npmPackage}\n\nThe ${target.name} program of [${launcherPackage}](${common.homepage}). Install that one: ` +
        'it brings the program for your platform along.\n',
    );
  }
  const home = join(folder, 'mcpstead');
  cpSync(join(root, 'npm', 'mcpstead'), home, { recursive: true });
  for (const file of ['LICENSE', 'README.md']) cpSync(join(root, file), join(home, file));
  cpSync(join(root, 'docs', 'config.schema.json'), join(home, 'config.schema.json'));
  writeJson(join(home, 'package.json'), launcherManifest());
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
