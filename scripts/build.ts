// Compiles the program: `npm run build` for this platform, `npm run build -- PLATFORM…` for others, `all` for all.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformName } from '../npm/mcpstead/lib/platform.mjs';
import { binaryFolder, commit, dist, root, run } from './checkout.ts';
import { signatureState, withoutSignature } from './mach-o.ts';
import { thirdPartyNotices } from './notices.ts';
import { runtimeOf } from './runtime.ts';
import { type Target, targetNamed, targets } from './targets.ts';

/** Compiles the program for `target` into its folder below dist/bin and returns its path. */
function build(target: Target, sha: string): string {
  const folder = binaryFolder(target.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const path = join(folder, target.executable);
  run([
    process.execPath,
    'build',
    'src/main.ts',
    '--compile',
    `--target=bun-${target.name}`,
    `--compile-executable-path=${runtimeOf(target)}`,
    '--production',
    '--minify',
    '--bytecode',
    '--format=esm',
    // To compile what runs only at the start would take longer than to interpret it; run-gateway.ts sets this to 1 then.
    '--compile-jit-policy=20',
    // What lies in the user's working directory is not ours to read, let alone to run.
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    `--define=MCPSTEAD_GIT_SHA=${JSON.stringify(sha)}`,
    // Else packages' folders on the machine that builds would stand in the program: no two builds were alike.
    '--define=__dirname="/"',
    // Its name goes into the file: it has to be the same one everywhere for builds to be identical.
    `--outfile=${path}`,
  ]);
  if (target.os === 'darwin') dropBrokenSignature(path);
  return path;
}

/**
 * Bun signs anew, ad hoc, what it compiles for Apple silicon, where nothing runs unsigned. For Intel it leaves its
 * own signature, which fits no longer: macOS runs a program without one, but may kill one whose pages differ.
 */
function dropBrokenSignature(path: string): void {
  const file = readFileSync(path);
  if (signatureState(file) === 'broken') writeFileSync(path, withoutSignature(file));
}

const names = process.argv.slice(2);
if (names.length === 0) names.push(platformName());
const chosen = names.includes('all') ? targets : names.map(targetNamed);
const { sha, isChanged } = commit();
if (isChanged) {
  console.error(`build: there are uncommitted changes, but the program will say that it is commit ${sha}`);
}
for (const target of chosen) {
  const path = build(target, sha);
  const megabytes = (statSync(path).size / 1e6).toFixed(1);
  console.log(`${path.slice(root.length + 1)}  ${megabytes} MB`);
}
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES'), await thirdPartyNotices());
