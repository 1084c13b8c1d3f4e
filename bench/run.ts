// The benchmark. Usage: npm run bench -- [--full] [--write] [--no-build] [--only WORK,WORK] [--contestants A,B]
// [--rounds N] [--seconds S]. What its figures mean: bench/README.md.

import { parseArgs } from 'node:util';
import { Bench, type Work } from './bench.ts';
import { allContestants, contestantsNamed, mainContestants } from './contestants.ts';
import { outcomesOf } from './goals.ts';
import { startLoad } from './load-process.ts';
import { describeRun, headingOf } from './machine.ts';
import { endAll, removeFolders } from './processes.ts';
import { goalTable, writeReport } from './report.ts';
import { resultOf, saveResult } from './results.ts';
import { callWork } from './works/call.ts';
import { faultsWork } from './works/faults.ts';
import { idleWork } from './works/idle.ts';
import { largeWork } from './works/large.ts';
import { listWork } from './works/list.ts';
import { overloadWork } from './works/overload.ts';
import { streamWork } from './works/stream.ts';

const works: readonly Work[] = [
  callWork,
  listWork,
  largeWork,
  streamWork,
  idleWork,
  faultsWork,
  overloadWork,
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

/** The value of a flag that has to be a number above zero. */
function positive(flag: string, text: string | undefined, fallback: number): number {
  const number = Number(text ?? fallback);
  return number > 0 ? number : wrongUsage(`--${flag} has to be a number above 0, not ${text}`);
}

function worksNamed(names: readonly string[]): Work[] {
  return names.map(
    (name) =>
      works.find((work) => work.name === name) ??
      wrongUsage(`no work is called ${name}; there are ${works.map((work) => work.name).join(', ')}`),
  );
}

const values = flags();
const options = {
  isFull: values.full,
  rounds: Math.ceil(positive('rounds', values.rounds, values.full ? 8 : 3)),
  seconds: positive('seconds', values.seconds, values.full ? 1 : 0.5),
};
const chosen = values.only ? worksNamed(values.only.split(',')) : works;
const named = values.contestants ? contestantsNamed(values.contestants.split(',')) : null;
if (typeof named === 'string') wrongUsage(named);
const wanted = named ?? (values.full ? allContestants : mainContestants);

process.on('exit', () => {
  endAll();
  removeFolders();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

const present = wanted.filter((one) => one.find() !== null);
await using load = startLoad();
const bench = new Bench(options, present, load);
const described = describeRun(
  process.argv.slice(2).filter((flag) => flag !== '--no-build'),
  present,
);
bench.print(headingOf(described));
for (const { name, find, howToGet } of wanted) {
  if (find() === null) bench.print(`Not measured: ${name} is not installed (${howToGet}).`);
}
for (const work of chosen) {
  try {
    await work.run(bench);
  } catch (error) {
    bench.fail(`${work.name}: ${(error as Error).message}`);
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
  const result = resultOf(described, bench.figures, outcomes, bench.failures);
  saveResult(result, bench.sections.join('\n\n'));
  writeReport(result);
}
