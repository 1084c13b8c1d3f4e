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
    // Code that runs only at startup is interpreted faster than compiled (docs/performance.md#late-compiler); run-gateway.ts
    // lets the compiler work once the gateway serves.
    '--compile-jit-policy=20',
    // Files in the user's working directory must be neither read nor run.
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    `--define=MCPSTEAD_GIT_SHA=${JSON.stringify(sha)}`,
    // Otherwise, paths of the building machine end up in the program, and builds differ.
    '--define=__dirname="/"',
    // The name is embedded in the file, so it must be the same everywhere for identical builds.
    `--outfile=${path}`,
  ]);
  if (target.os === 'darwin') dropBrokenSignature(path);
  return path;
}

/**
 * For Apple silicon, where nothing runs unsigned, Bun signs the program ad hoc. For Intel it leaves Bun's own signature,
 * which no longer matches: macOS runs a program without a signature, but may kill one whose pages differ from it.
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
  console.error(`build: there are uncommitted changes, but the program will report commit ${sha}`);
}
for (const target of chosen) {
  const path = build(target, sha);
  const megabytes = (statSync(path).size / 1e6).toFixed(1);
  console.log(`${path.slice(root.length + 1)}  ${megabytes} MB`);
}
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES'), await thirdPartyNotices());
