import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { version } from './checkout.ts';
import { repository, type Target, targetNamed } from './targets.ts';

const template = readFileSync(join(import.meta.dir, '../Formula/mcpstead.rb.template'), 'utf8');

/** The checksums of a SHA256SUMS file, by archive name. */
export type Checksums = ReadonlyMap<string, string>;

/** Parses the format of `sha256sum`: hash, two spaces, name. */
export function parseChecksums(text: string): Checksums {
  return new Map([...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, hash, name]) => [name!, hash!]));
}

/**
 * Generates the Homebrew formula of this version, in the layout that `brew style` requires. Homebrew on Linux uses glibc.
 * The formula cannot be committed, because it contains checksums of programs built from the commit.
 */
export function formula(checksums: Checksums): string {
  const values: Record<string, string> = {
    description: manifest.description,
    license: manifest.license,
    repository,
    version,
    macos: onCpus('darwin', checksums),
    linux: onCpus('linux', checksums),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`unknown placeholder ${place} in the formula's template`);
    return value;
  });
}

function onCpus(system: 'darwin' | 'linux', checksums: Checksums): string {
  const block = (method: string, target: Target) => {
    const checksum = checksums.get(target.archive);
    if (checksum === undefined) throw new Error(`SHA256SUMS has no line for ${target.archive}`);
    return `    ${method} do
      url "https://github.com/${repository}/releases/download/v${version}/${target.archive}"
      sha256 "${checksum}"
    end`;
  };
  return [
    block('on_arm', targetNamed(`${system}-arm64`)),
    block('on_intel', targetNamed(`${system}-x64`)),
  ].join('\n');
}
