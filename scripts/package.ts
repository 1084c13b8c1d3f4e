// Makes what a release consists of from the programs in dist/bin: archives, SHA256SUMS, npm packages, Formula.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchiveFile, tarGz, zip } from './archive.ts';
import { binaryFolder, commit, dist, root } from './checkout.ts';
import { formula, parseChecksums } from './formula.ts';
import { writeNpmPackages } from './npm-packages.ts';
import { type Target, targets } from './targets.ts';

/** For editors; in the release by itself, too, so that it has a URL. */
const schema = join(root, 'docs', 'config.schema.json');

function archive(target: Target, timeSeconds: number): Uint8Array {
  const folder = `mcpstead-${target.name}`;
  const file = (path: string, name: string, mode: number): ArchiveFile => ({
    path: `${folder}/${name}`,
    content: readFileSync(path),
    mode,
  });
  const files = [
    file(join(root, 'LICENSE'), 'LICENSE', 0o644),
    file(join(root, 'README.md'), 'README.md', 0o644),
    file(schema, 'config.schema.json', 0o644),
    file(join(binaryFolder(target.name), target.executable), target.executable, 0o755),
  ];
  return (target.archive.endsWith('.zip') ? zip : tarGz)(files, timeSeconds);
}

const missing = targets.filter((target) => !existsSync(join(binaryFolder(target.name), target.executable)));
if (missing.length > 0) {
  const names = missing.map((target) => target.name).join(' ');
  console.error(`package: not built yet: ${names}. Run "npm run build -- ${names}" first.`);
  process.exit(1);
}

const release = join(dist, 'release');
rmSync(release, { recursive: true, force: true });
mkdirSync(release, { recursive: true });
const { timeSeconds } = commit();
let sums = '';
for (const target of targets.toSorted((a, b) => (a.archive < b.archive ? -1 : 1))) {
  const bytes = archive(target, timeSeconds);
  writeFileSync(join(release, target.archive), bytes);
  sums += `${createHash('sha256').update(bytes).digest('hex')}  ${target.archive}\n`;
  console.log(`dist/release/${target.archive}  ${(bytes.length / 1e6).toFixed(1)} MB`);
}
writeFileSync(join(release, 'SHA256SUMS'), sums);
cpSync(join(root, 'scripts', 'install.sh'), join(release, 'install.sh'));
cpSync(schema, join(release, 'config.schema.json'));

mkdirSync(join(dist, 'Formula'), { recursive: true });
writeFileSync(join(dist, 'Formula', 'mcpstead.rb'), formula(parseChecksums(sums)));

writeNpmPackages();
console.log('dist/release/SHA256SUMS, dist/Formula/mcpstead.rb, dist/npm');
