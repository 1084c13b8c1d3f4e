import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { binaryFolder, run } from '../checkout.ts';
import { useInstalled } from './use.ts';

/** The tool that this machine lacks to run a Linux program for arm64, or null. */
export function missingForArm64(): string | null {
  if (process.platform !== 'linux' || process.arch === 'arm64')
    return 'it needs Linux on another CPU than arm64';
  const missing = ['apt-get', 'dpkg-deb', 'qemu-aarch64'].filter((name) => Bun.which(name) === null);
  return missing.length > 0 ? `it needs ${missing.join(', ')}` : null;
}

/** Uses the Linux program for arm64 under emulation, with Debian's C library for arm64. */
export async function rehearseArm64(folder: string): Promise<void> {
  mkdirSync(folder);
  run(['apt-get', 'download', 'libc6-arm64-cross'], { cwd: folder });
  const file = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
  run(['dpkg-deb', '--extract', file, 'root'], { cwd: folder });
  const start = {
    command: [
      ...['qemu-aarch64', '-L', join(folder, 'root', 'usr', 'aarch64-linux-gnu')],
      join(binaryFolder('linux-arm64'), 'mcpstead'),
    ],
    env: { PATH: process.env.PATH ?? '' },
    cwd: folder,
  };
  await useInstalled(start, folder);
}
