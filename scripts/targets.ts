/** A platform that mcpstead is built for. Everything that depends on platforms is generated from this table or tested against it. */
export interface Target {
  /** The platform's name in packages, archives and folders. */
  readonly name: string;
  /** `os`, `cpu` and `libc` of the npm package, as npm names them. */
  readonly os: 'darwin' | 'linux' | 'win32';
  readonly cpu: 'arm64' | 'x64';
  readonly libc: 'glibc' | 'musl' | null;
  /** The program's file name. */
  readonly executable: string;
  /** The archive's file name in a release, without a version, so that the newest has a fixed URL. */
  readonly archive: string;
  /** The npm package with the program. */
  readonly npmPackage: string;
  /** The npm package of the Bun that the program contains. */
  readonly bunPackage: string;
}

/** The npm package that users install; it depends on the platform packages and starts their program. */
export const launcherPackage = '@ahkohd/mcpstead';
/** The repository of the releases, as `owner/name`. */
export const repository = 'ahkohd/mcpstead';

export const targets: readonly Target[] = [
  target('darwin', 'arm64'),
  target('darwin', 'x64'),
  target('linux', 'x64', 'glibc'),
  target('linux', 'arm64', 'glibc'),
  target('linux', 'x64', 'musl'),
  target('linux', 'arm64', 'musl'),
  target('win32', 'x64'),
  target('win32', 'arm64'),
];

function target(os: Target['os'], cpu: Target['cpu'], libc: Target['libc'] = null): Target {
  const system = os === 'win32' ? 'windows' : os;
  const suffix = libc === 'musl' ? '-musl' : '';
  const name = `${system}-${cpu}${suffix}`;
  return {
    name,
    os,
    cpu,
    libc,
    executable: os === 'win32' ? 'mcpstead.exe' : 'mcpstead',
    archive: `mcpstead-${name}${os === 'win32' ? '.zip' : '.tar.gz'}`,
    npmPackage: `${launcherPackage}-${name}`,
    bunPackage: `@oven/bun-${system}-${cpu === 'arm64' ? 'aarch64' : cpu}${suffix}`,
  };
}

/** The target called `name`. Throws an error that lists all targets if there is none. */
export function targetNamed(name: string): Target {
  const found = targets.find((candidate) => candidate.name === name);
  if (found) return found;
  throw new Error(`no platform "${name}"; there are ${targets.map((each) => each.name).join(', ')}`);
}
