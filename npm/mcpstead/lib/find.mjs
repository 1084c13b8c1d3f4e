// @ts-check

/** An error that the user can fix; its message says how. */
export class LauncherError extends Error {}

/**
 * @typedef {object} Surroundings
 * @property {string} platform this platform, as `platformName` names it
 * @property {{ name: string, version: string, optionalDependencies: Record<string, string> }} manifest
 *   the manifest of the launcher, whose optional dependencies are all platform packages
 * @property {(specifier: string) => string | null} resolve the path of a package's file, or null
 */

/**
 * The path of the program in the package for this platform. Throws a LauncherError that says why it is missing and what
 * to do.
 *
 * @param {Surroundings} surroundings
 * @returns {string}
 */
export function findProgram({ platform, manifest, resolve }) {
  const packageOf = (/** @type {string} */ name) => `${manifest.name}-${name}`;
  const platforms = Object.keys(manifest.optionalDependencies).map((name) =>
    name.slice(packageOf('').length),
  );
  if (!platforms.includes(platform)) {
    throw new LauncherError(
      `there is no program for ${platform}, only for ${platforms.join(', ')}.\n` +
        'If you built one from the sources, set MCPSTEAD_BINARY to its path.',
    );
  }

  const file = platform.startsWith('windows') ? 'mcpstead.exe' : 'mcpstead';
  const program = resolve(`${packageOf(platform)}/bin/${file}`);
  if (program) return program;

  const present = platforms.filter((name) => resolve(`${packageOf(name)}/package.json`));
  const reason = present.length > 0 ? foreign(platform, present) : omitted(packageOf(platform));
  const download = `or download the program (https://github.com/ahkohd/mcpstead/releases/tag/v${manifest.version}) and set MCPSTEAD_BINARY to its path`;
  throw new LauncherError(
    `${reason}\nTo repair it, one of:\n` +
      `  install again here:       npm install ${manifest.name}@${manifest.version} --include=optional   (-g if it is global)\n` +
      `  name the package itself:  npm install ${packageOf(platform)}@${manifest.version}\n` +
      `  ${download}`,
  );
}

/** @param {string} wanted */
function omitted(wanted) {
  return (
    `the package ${wanted}, which carries the program, is not installed.\n` +
    'It is an optional dependency, and optional dependencies were left out: by --omit=optional, --no-optional, a line ' +
    'like "omit=optional" in .npmrc, or a lock file that was made on another platform.'
  );
}

/**
 * @param {string} platform
 * @param {string[]} present
 */
function foreign(platform, present) {
  const held = `node_modules holds the program for ${present.join(', ')}, but this is ${platform}`;
  const sibling = (/** @type {(name: string) => string} */ change) => present.includes(change(platform));
  if (
    platform.startsWith('darwin') &&
    sibling((name) => (name.endsWith('arm64') ? 'darwin-x64' : 'darwin-arm64'))
  ) {
    return (
      `${held}.\nOn Apple silicon one Node is built for arm64 and another for x64, under Rosetta; one installed, the ` +
      'other runs. "node -p process.arch" tells which one you have: use the same for both, best the one for arm64.'
    );
  }
  if (sibling((name) => (name.endsWith('-musl') ? name.slice(0, -'-musl'.length) : `${name}-musl`))) {
    return (
      `${held}.\nThe one is for systems built on glibc (Debian, Fedora), the other for musl (Alpine), and neither ` +
      'runs on the other kind. Install on the kind of system that it runs on.'
    );
  }
  return (
    `${held}.\nIt was installed on another machine and copied or mounted here. Leave node_modules behind (name it in ` +
    '.dockerignore) and install where it runs.'
  );
}

/**
 * Why the program at `path` did not start, for the user.
 *
 * @param {string} path
 * @param {NodeJS.ErrnoException} error
 * @param {boolean} exists whether there is a file at `path`
 */
export function startFailure(path, error, exists) {
  const hints = {
    ENOENT: exists
      ? 'the loader that it asks for is missing: it is built for another C library (glibc or musl) than this system has'
      : 'there is no such file',
    EACCES: `it is not executable: chmod +x ${path}`,
    ENOEXEC: 'it is no program for this system',
  };
  const hint = hints[/** @type {keyof typeof hints} */ (error.code)] ?? error.message;
  return `cannot start ${path}: ${hint}`;
}
