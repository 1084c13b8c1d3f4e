// The circumstances of a run: machine, commit and versions.

import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { commit, root } from '../scripts/checkout.ts';
import type { Contestant } from './contestants/contestant.ts';

/** When, where and with which programs a run was made. */
export interface Run {
  readonly command: string;
  readonly date: string;
  readonly commit: string;
  /** Whether the checkout differed from the commit. */
  readonly isChanged: boolean;
  readonly machine: string;
  readonly loadAverage: number;
  /** The runtime of the upstream and the load generator. */
  readonly runtime: string;
  /** The version of each contestant, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Describes the run that begins now. */
export function describeRun(args: readonly string[], contestants: readonly Contestant[]): Run {
  const { sha, isChanged } = commit(root, ['src', 'bench']);
  const versions = contestants.map((contestant) => {
    const program = contestant.find();
    return [contestant.name, program === null ? 'not installed' : contestant.version(program)];
  });
  return {
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    date: new Date().toISOString().slice(0, 10),
    commit: sha.slice(0, 12),
    isChanged,
    machine: `${cpus()[0]?.model}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}`,
    loadAverage: Number(loadavg()[0]?.toFixed(1)),
    runtime: `Bun ${Bun.version}`,
    versions: Object.fromEntries(versions),
  };
}

/** The lines that head a report. */
export function headingOf(run: Run): string {
  return [
    `\`${run.command}\`, on ${run.date}, commit ${run.commit}${run.isChanged ? ' with uncommitted changes' : ''}:`,
    '',
    `- ${run.machine}`,
    `- load average before the run: ${run.loadAverage.toFixed(1)}`,
    `- upstream and load generator: ${run.runtime}`,
    ...Object.entries(run.versions).map(([name, version]) => `- ${name}: ${version}`),
  ].join('\n');
}
