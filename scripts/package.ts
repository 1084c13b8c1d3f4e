// Makes the files of a release from the programs in dist/bin: archives, SHA256SUMS, npm packages, Formula.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { releaseArchive } from './archive.ts';
import { binaryFolder, commit, dist, root } from './checkout.ts';
import { formula, parseChecksums } from './formula.ts';
import { writeNpmPackages } from './npm-packages.ts';
import { packageFiles } from './package-files.ts';
import { targets } from './targets.ts';

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
const files = await packageFiles();
let sums = '';
for (const target of targets.toSorted((a, b) => (a.archive < b.archive ? -1 : 1))) {
  const program = readFileSync(join(binaryFolder(target.name), target.executable));
  const bytes = releaseArchive(target, program, files, timeSeconds);
  writeFileSync(join(release, target.archive), bytes);
  sums += `${createHash('sha256').update(bytes).digest('hex')}  ${target.archive}\n`;
  console.log(`dist/release/${target.archive}  ${(bytes.length / 1e6).toFixed(1)} MB`);
}
writeFileSync(join(release, 'SHA256SUMS'), sums);
cpSync(join(root, 'scripts', 'install.sh'), join(release, 'install.sh'));
// A separate file, so that editors can refer to its URL.
cpSync(join(root, 'docs', 'config.schema.json'), join(release, 'config.schema.json'));

mkdirSync(join(dist, 'Formula'), { recursive: true });
writeFileSync(join(dist, 'Formula', 'mcpstead.rb'), formula(parseChecksums(sums)));

await writeNpmPackages();
console.log('dist/release/SHA256SUMS, dist/Formula/mcpstead.rb, dist/npm');
