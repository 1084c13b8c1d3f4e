// @ts-check
import { existsSync, readFileSync } from 'node:fs';

/**
 * The name of this platform in the table of targets, such as `linux-x64-musl`.
 *
 * @param {string} [platform] as in `process.platform`
 * @param {string} [arch] as in `process.arch`
 * @param {(arch: string) => boolean} [hasMusl]
 */
export function platformName(platform = process.platform, arch = process.arch, hasMusl = usesMusl) {
  const system = platform === 'win32' ? 'windows' : platform;
  return `${system}-${arch}${platform === 'linux' && hasMusl(arch) ? '-musl' : ''}`;
}

/**
 * Whether this Linux uses musl. `ldd` belongs to the C library and names it. Without `ldd`, the loaders decide: musl's is
 * not enough, because Debian can have it besides its own.
 *
 * @param {string} arch
 */
function usesMusl(arch) {
  try {
    return readFileSync('/usr/bin/ldd', 'utf8').includes('ld-musl');
  } catch {
    const cpu = arch === 'arm64' ? 'aarch64' : 'x86_64';
    const glibc = arch === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2';
    return existsSync(`/lib/ld-musl-${cpu}.so.1`) && !existsSync(glibc);
  }
}
