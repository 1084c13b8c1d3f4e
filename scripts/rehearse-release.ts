// Rehearses a release on this machine: publishes dist to a registry and a download server on loopback, installs it from
// there in every supported way, and uses each installation. `npm run rehearse-release`.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../npm/mcpstead/lib/platform.mjs';
import { binaryFolder, dist, root, run } from './checkout.ts';
import { readExecutable } from './executable.ts';
import { missingForArm64, rehearseArm64 } from './rehearsal/arm64.ts';
import {
  environment,
  type Installation,
  installations,
  type Place,
  prepare,
} from './rehearsal/installations.ts';
import { missingForMusl, rehearseMusl } from './rehearsal/musl.ts';
import { startDownloads, startRegistry } from './rehearsal/servers.ts';
import { runToEnd, type Start, useInstalled } from './rehearsal/use.ts';
import { type Target, targetNamed, targets } from './targets.ts';

/** Exact versions of the package managers and the registry, which are installed for the rehearsal only. */
const toolsManifest = {
  private: true,
  dependencies: {
    '@yarnpkg/cli-dist': '4.18.1',
    pnpm: '12.21.0',
    verdaccio: '6.7.4',
    'yarn-classic': 'npm:yarn@1.22.22',
  },
  // One dependency refers to a tag instead of a version, and not every registry has tags.
  overrides: { 'node-fetch': '2.7.0' },
};

let failures = 0;
let passes = 0;

/** Runs one step, reports its outcome, and continues. */
async function step(name: string, work: () => unknown): Promise<void> {
  const start = performance.now();
  try {
    await work();
    passes += 1;
    console.log(`ok    ${name}  (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${name}\n${(error as Error).message.replace(/^/gm, '      ')}`);
  }
}

const programOf = (target: Target) => join(binaryFolder(target.name), target.executable);
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

function checkExecutable(target: Target): void {
  const { format, cpu, loader, signature } = readExecutable(readFileSync(programOf(target)));
  const found = `${format} for ${cpu}, loader ${loader}, signature ${signature}`;
  const machine = target.cpu === 'arm64' ? 'aarch64' : 'x86_64';
  const loaders = {
    glibc: target.cpu === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2',
    musl: `/lib/ld-musl-${machine}.so.1`,
  };
  const expected = {
    linux: [`ELF for ${target.cpu}, loader ${target.libc && loaders[target.libc]}, signature none`],
    // Apple silicon runs nothing unsigned; Intel may.
    darwin: ['valid', ...(target.cpu === 'x64' ? ['none'] : [])].map(
      (state) => `Mach-O for ${target.cpu}, loader null, signature ${state}`,
    ),
    win32: [`PE for ${target.cpu}, loader null, signature none`],
  }[target.os];
  if (!expected.includes(found)) throw new Error(`found ${found}, expected ${expected.join(' or ')}`);
}

/** Builds a target again and compares. Only the name of the folder could differ in another folder. */
function checkReproducible(target: Target): void {
  if (readFileSync(programOf(target)).includes(root)) throw new Error(`it contains ${root}`);
  const before = sha256(programOf(target));
  run([process.execPath, 'scripts/build.ts', target.name]);
  const after = sha256(programOf(target));
  if (before !== after) throw new Error(`the first build is ${before}, the second ${after}`);
}

/** Checks the formula's syntax, installs from the archives, and runs its test, as Homebrew does. */
function checkFormula(target: string): void {
  if (Bun.which('ruby') === null) throw new Error('needs ruby, the language of formulas');
  mkdirSync(target);
  const path = join(dist, 'Formula', 'mcpstead.rb');
  run(['ruby', '-c', path]);
  run(['ruby', join(root, 'scripts/rehearsal/formula.rb'), path, join(dist, 'release'), target]);
}

/** All traces of mcpstead below `folder`. */
function tracesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => path.includes('mcpstead'));
}

async function rehearse(installation: Installation, place: Place, versionLine: string): Promise<void> {
  mkdirSync(place.root, { recursive: true });
  prepare(place, installation);
  const env = environment(place);
  const execute = async (command: readonly string[]) => {
    const { exitCode, output } = await runToEnd(command, { env, cwd: place.root });
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: exit code ${exitCode}\n${output}`);
    return output.trim();
  };
  const start = async (): Promise<Start> => {
    const how = installation.start(place);
    const command = 'outputOf' in how ? [...how.after, await execute(how.outputOf)] : how;
    return { command, env, cwd: place.root };
  };
  const askVersion = async () => {
    const { command, ...options } = await start();
    return runToEnd([...command, '--version'], options);
  };

  await execute(installation.install(place));
  const { omitsProgram } = installation;
  if (omitsProgram) {
    const { exitCode, output } = await askVersion();
    if (exitCode !== 1 || !output.includes('optional dependencies were left out')) {
      throw new Error(`without its program it said (exit code ${exitCode}):\n${output}`);
    }
    if (omitsProgram.repair) await execute(omitsProgram.repair);
  }
  if (!omitsProgram || omitsProgram.repair) {
    const { output } = await askVersion();
    if (output !== versionLine) throw new Error(`--version printed ${output}instead of ${versionLine}`);
    const folder = `${place.root}.use`;
    mkdirSync(folder);
    await useInstalled(await start(), folder);
    const left = readdirSync(folder);
    if (!Bun.deepEquals(left, ['mcpstead.yaml'])) throw new Error(`serving left ${left.join(', ')}`);
  }
  await execute(installation.uninstall(place));
  const traces = tracesBelow(place.root);
  if (traces.length > 0) throw new Error(`uninstalling left ${traces.join(', ')}`);
}

const only = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'mcpstead-rehearsal-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
try {
  for (const target of targets) {
    await step(`${target.name} is a program of its format and CPU with a matching signature`, () =>
      checkExecutable(target),
    );
    await step(`${target.name} is the same when it is built again`, () => checkReproducible(target));
  }
  await step('SHA256SUMS is right', () =>
    run(['sha256sum', '-c', 'SHA256SUMS'], { cwd: join(dist, 'release') }),
  );
  await step('the formula installs, and its test passes', () => checkFormula(join(folder, 'formula')));

  const tools = join(folder, 'tools');
  mkdirSync(tools);
  writeFileSync(join(tools, 'package.json'), JSON.stringify(toolsManifest));
  run(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: tools });
  await using registry = await startRegistry(tools, join(folder, 'registry'));
  await using downloads = startDownloads();

  const npmrc = join(folder, 'npmrc');
  // npm requires a token to publish; this registry accepts any.
  writeFileSync(
    npmrc,
    `registry=${registry.url}\n${registry.url.replace('http:', '')}/:_authToken=rehearsal\n`,
  );
  const publish = () =>
    run([process.execPath, join(root, 'scripts', 'publish-npm.ts')], {
      env: { npm_config_userconfig: npmrc, npm_config_registry: registry.url },
    });
  await step('publishing to the registry', publish);
  await step('publishing again, as after a failure half-way', () => {
    const output = publish();
    const skipped = output.split('\n').filter((line) => line.endsWith(' is published already')).length;
    if (skipped !== targets.length + 1) throw new Error(output);
  });

  const here = targetNamed(platformName());
  const versionLine = `${run([programOf(here), '--version'])}\n`;
  for (const [index, installation] of installations.entries()) {
    if (only && !installation.name.includes(only)) continue;
    const place: Place = {
      root: join(folder, `place-${index}`),
      cache: join(folder, 'cache'),
      tools,
      registryUrl: registry.url,
      downloadUrl: downloads.url,
    };
    await step(installation.name, () => rehearse(installation, place, versionLine));
    for (const used of [place.root, `${place.root}.use`]) rmSync(used, { recursive: true, force: true });
  }

  const elsewhere = [
    {
      name: 'install.sh on a system with musl',
      lack: missingForMusl(),
      work: () => rehearseMusl(join(folder, 'musl'), downloads.url),
    },
    {
      name: 'linux-arm64, emulated',
      lack: missingForArm64(),
      work: () => rehearseArm64(join(folder, 'arm64')),
    },
  ];
  for (const { name, lack, work } of elsewhere) {
    if (lack) console.log(`skip  ${name}: ${lack}`);
    else await step(name, work);
  }
} finally {
  if (existsSync(folder)) rmSync(folder, { recursive: true });
}
console.log(`${passes} passed, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
