import { cpSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, run, version } from '../checkout.ts';
import { runToEnd, type Start, useInstalled } from './use.ts';

/**
 * A musllinux wheel (PEP 656) that contains a libstdc++ for musl, which Debian lacks. Newer wheels need a newer musl than
 * Debian's, with support for packed relocations (DT_RELR). This one lacks some symbols of GCC 12's libstdc++: see
 * `newerSymbols`.
 */
const wheel = 'kiwisolver==1.4.5';
const wheelPlatform = 'musllinux_1_1_x86_64';
/** std::__throw_bad_array_new_length() and std::__glibcxx_assert_fail(): called only to abort. */
const newerSymbols = ['_ZSt28__throw_bad_array_new_lengthv', '_ZSt21__glibcxx_assert_failPKciS0_S0_'];

/** The tool that this machine lacks to make a root file system with musl, or null. */
export function missingForMusl(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x64';
  const missing = ['apt-get', 'dpkg-deb', 'gcc', 'pip', 'python3', 'unshare'].filter(
    (name) => Bun.which(name) === null,
  );
  return missing.length > 0 ? `it needs ${missing.join(', ')}` : null;
}

/**
 * Runs install.sh in a root file system with nothing but musl and busybox, first without the libstdc++ that the program
 * needs, then with it, and uses the installed program. Throws if a step fails.
 */
export async function rehearseMusl(folder: string, downloadUrl: string): Promise<void> {
  const root = join(folder, 'root');
  const debian = join(folder, 'debian');
  for (const path of ['bin', 'lib', 'usr/lib', 'tmp', 'proc', 'dev', 'root']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  mkdirSync(debian, { recursive: true });
  run(['apt-get', 'download', 'musl', 'busybox-static'], { cwd: folder });
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.deb'))) {
    run(['dpkg-deb', '--extract', name, debian], { cwd: folder });
  }
  cpSync(join(debian, 'lib/x86_64-linux-musl/libc.so'), join(root, 'lib/ld-musl-x86_64.so.1'));
  cpSync(join(debian, 'bin/busybox'), join(root, 'bin/busybox'));
  cpSync(join(dist, 'release', 'install.sh'), join(root, 'tmp/install.sh'));
  for (const applet of run([join(root, 'bin/busybox'), '--list']).split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }

  const start = (...command: string[]): Start => ({
    // In its own mount namespace, so that the mounts end with the program.
    command: [
      ...['unshare', '--map-root-user', '--mount', 'sh', '-euc'],
      'mount --rbind /proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" /bin/env LD_PRELOAD=/usr/lib/newer.so "$@"',
      ...[root, ...command],
    ],
    env: {
      PATH: `/bin:/root/.local/bin:${process.env.PATH}`,
      HOME: '/root',
      MCPSTEAD_DOWNLOAD_URL: downloadUrl,
    },
    cwd: folder,
  });

  const installer = (...args: string[]) => {
    const { command, ...place } = start('/bin/sh', '/tmp/install.sh', ...args);
    return runToEnd(command, place);
  };
  const without = await installer();
  if (without.exitCode !== 1 || !without.output.includes('apk add libstdc++')) {
    throw new Error(`without libstdc++ install.sh said (exit code ${without.exitCode}):\n${without.output}`);
  }
  addLibstdcxx(folder, join(root, 'usr/lib'));
  const installed = await installer();
  if (installed.exitCode !== 0 || !installed.output.includes(`installed mcpstead ${version} `)) {
    throw new Error(`install.sh said (exit code ${installed.exitCode}):\n${installed.output}`);
  }
  await useInstalled(start('/root/.local/bin/mcpstead'), join(root, 'tmp'), '/tmp/mcpstead.yaml');
  await installer('--uninstall');
  const left = readdirSync(join(root, 'root'), { recursive: true }).filter((path) =>
    String(path).includes('mcpstead'),
  );
  if (left.length > 0) throw new Error(`uninstalling left ${left.join(', ')}`);
}

function addLibstdcxx(folder: string, target: string): void {
  const platform = ['--platform', wheelPlatform, '--python-version', '3.11', '--only-binary', ':all:'];
  run(['pip', 'download', '--quiet', '--no-deps', ...platform, '--dest', folder, wheel]);
  const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
  run(['python3', '-m', 'zipfile', '-e', file ?? '', 'wheel'], { cwd: folder });
  const libraries = join(folder, 'wheel', 'kiwisolver.libs');
  for (const name of readdirSync(libraries)) {
    // libgcc_s keeps its name, which libstdc++ refers to; the program refers to libstdc++ by the usual one.
    const usual = name.startsWith('libstdc++') ? 'libstdc++.so.6' : name;
    renameSync(join(libraries, name), join(target, usual));
  }
  const source = join(folder, 'newer.c');
  writeFileSync(source, newerSymbols.map((name) => `void ${name}(void) { __builtin_trap(); }\n`).join(''));
  run(['gcc', '-shared', '-fPIC', '-nostdlib', '-o', join(target, 'newer.so'), source]);
}
