// Checks that an installed mcpstead works: `node scripts/smoke.mjs VERSION COMMAND [ARGUMENT…]`.
// It compares the version, starts the demo, calls a tool through it and stops it.
// Plain JavaScript, because a machine that installs mcpstead has Node at most, and no checkout.
import { spawn, spawnSync } from 'node:child_process';

const [version, command, ...args] = process.argv.slice(2);
if (!version || !command) {
  console.error('usage: node scripts/smoke.mjs VERSION COMMAND [ARGUMENT…]');
  process.exit(2);
}
const windows = process.platform === 'win32';
// npm installs programs as .cmd files on Windows, which only a shell can start.
const options = { shell: windows && !command.endsWith('.exe'), encoding: 'utf8' };

class SmokeError extends Error {}

/** @returns {never} Fails the check with `message` and the program's `output`. */
function fail(message, output = '') {
  throw new SmokeError(`${message}\n${output}`.trimEnd());
}

function checkVersion() {
  const asked = spawnSync(command, [...args, '--version'], { ...options, timeout: 30_000 });
  const shown = `${asked.stdout ?? ''}${asked.stderr ?? ''}${asked.error?.message ?? ''}`;
  if (asked.status !== 0 || !shown.startsWith(`mcpstead ${version} `)) {
    fail(
      `expected "mcpstead ${version} …" from ${command} --version, exit code 0; found ${asked.status}:`,
      shown,
    );
  }
}

/** The outcome of `promise`, or null after `timeoutMs`. */
function within(promise, timeoutMs) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function checkCall() {
  const demo = spawn(command, [...args, 'demo', '--port', '0'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise((resolve) => {
    demo.on('error', (error) => resolve(`cannot be started: ${error.message}`));
    demo.on('close', (code, signal) => resolve(signal ?? code));
  });
  const url = new Promise((resolve) => {
    for (const stream of [demo.stdout, demo.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        const found = /The demo serves (http:\S+)/.exec(output);
        if (found) resolve(found[1]);
      });
    }
  });
  /** Stops the demo as Ctrl-C or a service manager does; on Windows, which has no signals, kills the process tree. */
  function stop(signal) {
    if (demo.exitCode !== null || demo.signalCode !== null) return;
    if (windows) spawnSync('taskkill', ['/pid', String(demo.pid), '/t', '/f']);
    else demo.kill(signal);
  }

  try {
    const endpoint = await within(Promise.race([url, ended.then(() => null)]), 30_000);
    if (!endpoint) fail('the demo printed no URL within 30 s:', output);

    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'demo__echo', arguments: { text: 'smoke' } },
      }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = await response.text();
    if (!answer.includes('"text":"smoke"')) fail(`tools/call answered HTTP ${response.status}:`, answer);

    stop('SIGTERM');
    const code = await within(ended, 30_000);
    if (code === null || (!windows && code !== 0))
      fail(`SIGTERM ended the demo with ${code}, not 0:`, output);
    console.log(`smoke: mcpstead ${version} answered a tools/call on ${endpoint}`);
  } finally {
    stop('SIGKILL');
  }
}

try {
  checkVersion();
  await checkCall();
} catch (error) {
  if (!(error instanceof SmokeError)) throw error;
  console.error(`smoke: ${error.message}`);
  process.exitCode = 1;
}
