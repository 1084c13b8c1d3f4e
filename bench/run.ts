// The benchmark. Usage: npm run bench -- [--full] [--write] [--no-build] [--only A,B] [--contestants A,B]
// [--rounds N] [--seconds S]. The figures are explained in bench/README.md.

import { parseArgs } from 'node:util';
import { Bench, type Workload } from './bench.ts';
import { allContestants, contestantsNamed, mainContestants } from './contestants.ts';
import { outcomesOf } from './goals.ts';
import { startLoad } from './load-process.ts';
import { describeRun, headingOf } from './machine.ts';
import { endAll, removeFolders } from './processes.ts';
import { goalTable, writeReport } from './report.ts';
import { resultOf, saveResult, wholeRun } from './results.ts';
import { callWorkload } from './workloads/call.ts';
import { erasWorkload } from './workloads/eras.ts';
import { faultsWorkload } from './workloads/faults.ts';
import { idleWorkload } from './workloads/idle.ts';
import { largeWorkload } from './workloads/large.ts';
import { listWorkload } from './workloads/list.ts';
import { overloadWorkload } from './workloads/overload.ts';
import { streamWorkload } from './workloads/stream.ts';

const workloads: readonly Workload[] = [
  callWorkload,
  listWorkload,
  largeWorkload,
  streamWorkload,
  erasWorkload,
  idleWorkload,
  faultsWorkload,
  overloadWorkload,
];

/** Ends with an error in the command line. */
function wrongUsage(what: string): never {
  console.error(`bench: ${what}`);
  process.exit(2);
}

function flags() {
  try {
    return parseArgs({
      options: {
        full: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        'no-build': { type: 'boolean', default: false },
        only: { type: 'string' },
        contestants: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return wrongUsage((error as Error).message);
  }
}

/** The value of a flag that takes a number above 0. */
function positive(flag: string, text: string | undefined, fallback: number): number {
  const number = Number(text ?? fallback);
  return number > 0 ? number : wrongUsage(`--${flag} must be a number above 0, not ${text}`);
}

function workloadsNamed(names: readonly string[]): Workload[] {
  return names.map(
    (name) =>
      workloads.find((workload) => workload.name === name) ??
      wrongUsage(
        `unknown workload ${name}; expected one of ${workloads.map((workload) => workload.name).join(', ')}`,
      ),
  );
}

const values = flags();
const options = {
  isFull: values.full,
  rounds: Math.ceil(positive('rounds', values.rounds, values.full ? 8 : 3)),
  seconds: positive('seconds', values.seconds, values.full ? 1 : 0.5),
};
const chosen = values.only ? workloadsNamed(values.only.split(',')) : workloads;
const named = values.contestants ? contestantsNamed(values.contestants.split(',')) : null;
if (typeof named === 'string') wrongUsage(named);
const wanted = named ?? (values.full ? allContestants : mainContestants);

process.on('exit', () => {
  endAll();
  removeFolders();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

const present = wanted.filter((one) => one.find() !== null);
const own = chosen.flatMap((workload) => workload.own ?? []);
await using load = startLoad();
const bench = new Bench(options, present, load);
const described = describeRun(
  process.argv.slice(2).filter((flag) => flag !== '--no-build'),
  [...present, ...own.filter((one) => one.find() !== null)],
);
bench.print(headingOf(described));
for (const { name, find, howToGet } of [...wanted, ...own]) {
  if (find() === null) bench.print(`Not measured: ${name} is not installed (${howToGet}).`);
}
for (const workload of chosen) {
  try {
    await workload.run(bench);
  } catch (error) {
    bench.fail(`${workload.name}: ${(error as Error).message}`);
  }
}
const outcomes = outcomesOf(bench.figures, values.full).filter(({ goal }) =>
  chosen.some(({ name }) => goal.startsWith(`${name}:`)),
);
bench.print(`### Goals\n\n${goalTable(outcomes)}`);
if (bench.failures.length > 0) {
  bench.print(`### Failures\n\n${bench.failures.map((failure) => `- ${failure}`).join('\n')}`);
  process.exitCode = 1;
}
const isWhole = values.full && !values.only && !values.contestants;
if (isWhole || values.write) {
  const name = values.only ? chosen.map((workload) => workload.name).join('-') : wholeRun;
  const result = resultOf(described, bench.figures, outcomes, bench.failures);
  saveResult(name, result, bench.sections.join('\n\n'));
  writeReport();
}
