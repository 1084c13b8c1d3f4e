// Where and with what a run was made.

import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { commit, root } from '../scripts/checkout.ts';
import type { Contestant } from './contestants/contestant.ts';

/** The lines that head a report. */
export function machine(args: readonly string[], contestants: readonly Contestant[]): string {
  const { sha, isChanged } = commit(root, ['src', 'bench']);
  const versions = contestants.map((contestant) => {
    const program = contestant.find();
    return `- ${contestant.name}: ${program === null ? 'not installed' : contestant.version(program)}`;
  });
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  return [
    `\`${command}\`, on ${new Date().toISOString().slice(0, 10)}, commit ${sha.slice(0, 12)}${isChanged ? ' and changes not committed' : ''}:`,
    '',
    `- ${cpus()[0]?.model}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}`,
    `- load average before the run: ${loadavg()[0]?.toFixed(1)}`,
    `- upstream and load generator: Bun ${Bun.version}`,
    ...versions,
  ].join('\n');
}
