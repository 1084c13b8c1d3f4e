#!/usr/bin/env node
// @ts-check
// Starts the program in the package for this platform, as if it had been started directly.
import { spawn } from 'node:child_process';
import { accessSync, existsSync, constants as modes, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findProgram, LauncherError, startFailure } from '../lib/find.mjs';
import { platformName } from '../lib/platform.mjs';

const require = createRequire(import.meta.url);
const args = process.argv.slice(2);

/** @param {string} message */
function fail(message) {
  console.error(`mcpstead: ${message}`);
  process.exitCode = 1;
}

/** @param {string} specifier */
function resolve(specifier) {
  try {
    return require.resolve(specifier);
  } catch {
    return null;
  }
}

function programPath() {
  const chosen = process.env.MCPSTEAD_BINARY;
  if (!chosen)
    return findProgram({ platform: platformName(), manifest: require('../package.json'), resolve });
  if (!existsSync(chosen)) throw new LauncherError(`MCPSTEAD_BINARY is ${chosen}, but there is no such file`);
  if (realpathSync(chosen) === fileURLToPath(import.meta.url)) {
    throw new LauncherError(`MCPSTEAD_BINARY is ${chosen}, which is this launcher, not the program itself`);
  }
  return chosen;
}

/**
 * Starts the program as a child, for runtimes without execve (Node before 22.15, Windows).
 * @param {string} path
 */
function startChild(path) {
  const windows = process.platform === 'win32';
  // A terminal sends Ctrl-C to its whole process group, and so does `kill -- -PGID` with any signal. In its own session,
  // the child gets each signal once, from here. Windows has no signals to forward, and a console's Ctrl-C reaches the
  // child directly.
  const child = spawn(path, args, { stdio: 'inherit', detached: !windows });
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
  const pass = (/** @type {NodeJS.Signals} */ signal) => {
    if (!windows) child.kill(signal);
  };
  for (const signal of windows ? /** @type {const} */ (['SIGINT', 'SIGBREAK', 'SIGHUP']) : signals) {
    process.on(signal, pass);
  }
  child.on('error', (error) => fail(startFailure(path, error, existsSync(path))));
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
      return;
    }
    // Our parent should see how the program ended. If the signal does not kill us (Node ignores SIGPIPE), exit with the
    // shell's code for it.
    process.exitCode = 128 + constants.signals[signal];
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

try {
  const path = programPath();
  if (process.execve && process.platform !== 'win32') {
    // Replaces this process, so that signals, exit code, process id and memory are the program's own.
    try {
      // Node before 26 aborts if the file cannot be executed.
      accessSync(path, modes.X_OK);
      process.execve(path, [path, ...args], process.env);
    } catch (error) {
      process.removeAllListeners('warning'); // That execve is experimental is not the user's concern.
      fail(startFailure(path, /** @type {NodeJS.ErrnoException} */ (error), existsSync(path)));
    }
  } else {
    startChild(path);
  }
} catch (error) {
  if (!(error instanceof LauncherError)) throw error;
  fail(error.message);
}
