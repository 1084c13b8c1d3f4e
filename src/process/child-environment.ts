import { accessSync, constants } from 'node:fs';
import type { Environment } from '../runtime/environment.ts';

/** The variables that every process gets: those that programs expect of a login, and none that hold secrets. */
const inherited = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'TZ', 'LANG', 'LANGUAGE', 'TMPDIR'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
]);
const inheritedPrefixes = ['LC_', 'XDG_', 'PYTHON'];
/** Windows ignores the case of names; these are in upper case. */
const inheritedOnWindows = new Set([
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA'],
  ...[
    'PROGRAMFILES',
    'PROGRAMFILES(X86)',
    'PROGRAMW6432',
    'USERPROFILE',
    'USERNAME',
    'HOMEDRIVE',
    'HOMEPATH',
  ],
  ...['TEMP', 'TMP', 'PROCESSOR_ARCHITECTURE', 'NUMBER_OF_PROCESSORS', 'OS'],
]);
const proxies = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY']);
/** Python would guess the encoding of its pipes, and keep answers back in a buffer. */
const usual = { PYTHONUTF8: '1', PYTHONUNBUFFERED: '1' };

/**
 * The variables of a process: the few that it inherits, and its `own`, which win.
 *
 * @param cachesIn the directory for the caches of package runners if there is no home to write to; null: there is none
 */
export function childEnvironment(
  parent: Environment,
  own: Environment,
  cachesIn: string | null,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const env: Record<string, string> = { ...usual };
  for (const [name, value] of Object.entries(parent)) {
    if (value === undefined || !isInherited(name, platform)) continue;
    env[name] = proxies.has(name.toUpperCase()) ? withoutUserInfo(value) : value;
  }
  const home = own.HOME ?? env.HOME;
  if (cachesIn !== null && platform !== 'win32' && !isWritable(home))
    Object.assign(env, cacheVariables(cachesIn));
  for (const [name, value] of Object.entries(own))
    if (value !== undefined) setVariable(env, name, value, platform);
  return env;
}

function isInherited(name: string, platform: NodeJS.Platform): boolean {
  const upper = name.toUpperCase();
  if (proxies.has(upper)) return true;
  const key = platform === 'win32' ? upper : name;
  if (platform === 'win32' && inheritedOnWindows.has(key)) return true;
  return inherited.has(key) || inheritedPrefixes.some((prefix) => key.startsWith(prefix));
}

/** On Windows `Path` and `PATH` are one variable. */
function setVariable(
  env: Record<string, string>,
  name: string,
  value: string,
  platform: NodeJS.Platform,
): void {
  if (platform === 'win32')
    for (const other of Object.keys(env)) if (other.toUpperCase() === name.toUpperCase()) delete env[other];
  env[name] = value;
}

/** A proxy's URL, which may lack its scheme, without user name and password. */
function withoutUserInfo(value: string): string {
  return value.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?[^/?#]*@/i, '$1');
}

function isWritable(directory: string | undefined): boolean {
  if (!directory) return false;
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where npm, uv and Bun keep what they download. */
function cacheVariables(directory: string): Record<string, string> {
  return {
    npm_config_cache: `${directory}/npm`,
    UV_CACHE_DIR: `${directory}/uv`,
    UV_PYTHON_INSTALL_DIR: `${directory}/uv-python`,
    UV_TOOL_DIR: `${directory}/uv-tools`,
    BUN_INSTALL_CACHE_DIR: `${directory}/bun`,
  };
}
