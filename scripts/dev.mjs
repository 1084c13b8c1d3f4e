// Runs a development task with the pinned Bun, after installing what bun.lock names.
// Plain JavaScript, because it must start on a machine with only Node and npm, or only Bun.
//
// Bun comes from npm. Its package does not download the binary: npm installs the one for this platform as a dependency,
// and an install script links it. npm 12 does not run install scripts, so this file runs that one itself.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const pinnedBun = manifest.devDependencies.bun;

/** The command that runs tests: those that are named, or else all below these folders. */
const tests = (named, folders, flags = []) => [
  ['bun', 'test', '--timeout', '30000', ...flags, ...(named.length > 0 ? named : folders)],
];

/** The commands of each task, which run in sequence until one fails. `bun` is the pinned Bun. */
const tasks = {
  start: (rest) => [['bun', 'src/main.ts', 'demo', ...rest]],
  test: (rest) => {
    // Most tests wait for timers and processes: two files at a time take little more than half of the time.
    const flags = ['--parallel=2', '--no-isolate'];
    if (rest.length > 0) return tests(rest, [], flags);
    // Gateways that were killed leave requests behind, which unit tests of the same process would see.
    return [...tests([], ['test/unit'], flags), ...tests([], ['test/gateway', 'test/real'], flags)];
  },
  check: () => [
    ['bun', 'node_modules/typescript/bin/tsc', '--noEmit'],
    ['bun', 'node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.'],
  ],
  format: () => [['bun', 'node_modules/@biomejs/biome/bin/biome', 'check', '--write', '--colors=off', '.']],
  docs: () => [['bun', 'scripts/docs.ts']],
  'docs:session': () => [
    ['bun', 'scripts/build.ts'],
    ['bun', 'scripts/session.ts'],
  ],
  bench: (rest) => [
    ...(rest.includes('--no-build') ? [] : [['bun', 'scripts/build.ts']]),
    ['bun', 'bench/run.ts', ...rest],
  ],
  'bench:report': () => [['bun', 'bench/report.ts']],
  'bench:http-client': (rest) => [['bun', 'bench/http-client.ts', ...rest]],
  'bench:hostile': (rest) => [['bun', 'bench/hostile.ts', ...rest]],
  build: (rest) => [['bun', 'scripts/build.ts', ...rest]],
  'build:all': () => [
    ['bun', 'scripts/build.ts', 'all'],
    ['bun', 'scripts/package.ts'],
  ],
  package: () => [['bun', 'scripts/package.ts']],
  'publish:npm': (rest) => [['bun', 'scripts/publish-npm.ts', ...rest]],
  'rehearse-release': (rest) => [...tasks['build:all'](), ['bun', 'scripts/rehearse-release.ts', ...rest]],
  'test:binary': (rest) => [['bun', 'scripts/build.ts'], ...tests(rest, ['test/binary'])],
  conformance: (rest) => [['bun', 'test/conformance/run.ts', ...rest]],
  'test:kills': (rest) => tests(rest, ['test/kills']),
  'test:python': (rest) => tests(rest, ['test/python']),
  'test:browser': (rest) => tests(rest, ['test/browser']),
  'bench:first-run': () => [
    ['bun', 'scripts/build.ts'],
    ['bun', 'bench/first-run/run.ts'],
  ],
  browser: () => [['bun', 'test/support/chromium.ts']],
  'bench:startup': (rest) => [
    ['bun', 'scripts/build.ts'],
    ['bun', 'bench/startup.ts', ...rest],
  ],
};

/** Runs a setup step; its output is shown only if it fails. */
function step(what, command, args, options = {}) {
  console.error(`setup: ${what}`);
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}`);
  console.error(`setup: ${what} failed: ${done.error?.message ?? `exit code ${done.status}`}`);
  process.exit(1);
}

function isPinnedBun(path) {
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim() === pinnedBun;
}

/** The pinned Bun that npm installed below `folder`, or null. Links it if its install script has not run. */
function bunBelow(folder) {
  const home = join(folder, 'node_modules', 'bun');
  if (!existsSync(join(home, 'install.js'))) return null;
  const binary = join(home, 'bin', 'bun.exe');
  if (isPinnedBun(binary)) return binary;
  spawnSync(process.execPath, ['install.js'], { cwd: home, stdio: 'ignore' });
  return isPinnedBun(binary) ? binary : null;
}

function findBun() {
  if (process.versions.bun === pinnedBun) return process.execPath;
  const present = bunBelow(root) ?? bunBelow(join(root, '.bun'));
  if (present) return present;
  const bootstrap = join(root, '.bun');
  mkdirSync(bootstrap, { recursive: true });
  const windows = process.platform === 'win32';
  if (process.versions.bun) {
    // Another Bun runs this, perhaps without npm: it installs the pinned one.
    writeFileSync(join(bootstrap, 'package.json'), `{"dependencies":{"bun":"${pinnedBun}"}}\n`);
    step(`bun ${pinnedBun}`, process.execPath, ['install', '--no-save', '--ignore-scripts'], {
      cwd: bootstrap,
    });
  } else {
    const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', bootstrap];
    step(`bun ${pinnedBun}`, 'npm', ['install', ...flags, `bun@${pinnedBun}`], { shell: windows });
  }
  const fetched = bunBelow(bootstrap);
  if (fetched) return fetched;
  console.error(`setup: npm installed bun ${pinnedBun}, but its binary does not run on this machine`);
  process.exit(1);
}

/** Installs what bun.lock names, unless this lock file was the last one installed. */
function installDependencies(bun) {
  const stamp = join(root, 'node_modules', '.mcpstead-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'bun.lock')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  step('dependencies', bun, ['install', '--frozen-lockfile', '--ignore-scripts']);
  // Links node_modules/.bin/bun, too, for use by hand.
  bunBelow(root);
  writeFileSync(stamp, lock);
}

/** How often to check whether npm's shell is still alive. */
const orphanCheckMs = 500;

/** The signals that are forwarded. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** A signal that repeats within this time counts once. */
const sameSignalMs = 200;

function run(command, args) {
  // In its own process group, the child gets each signal once, from here: a terminal, `timeout` and npm may each send
  // the same signal to all processes, and a second SIGTERM would abort a graceful shutdown.
  const windows = process.platform === 'win32';
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', detached: !windows });
  const forwardedMs = new Map();
  const forward = (signal) => {
    const nowMs = Date.now();
    if (windows || nowMs - (forwardedMs.get(signal) ?? 0) < sameSignalMs) return;
    forwardedMs.set(signal, nowMs);
    child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  // npm kills its shell on a signal, and the shell forwards nothing: without this check, we would run forever.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (!process.env.npm_lifecycle_event || process.ppid === parent) return;
    clearInterval(watch);
    forward('SIGTERM');
  }, orphanCheckMs);
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`cannot run ${command}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      for (const signal of signals) process.off(signal, forward);
      resolve(signal ? 1 : (code ?? 1));
    });
  });
}

const [name, ...rest] = process.argv.slice(2);
const task = tasks[name];
if (!task) {
  console.error(`usage: node scripts/dev.mjs ${Object.keys(tasks).join('|')} [arguments]`);
  process.exit(2);
}
const bun = findBun();
installDependencies(bun);
for (const [, ...args] of task(rest)) {
  const code = await run(bun, args);
  if (code !== 0) process.exit(code);
}
