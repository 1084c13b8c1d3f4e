// The benchmark. Usage: npm run bench -- [--full] [--write] [--no-build] [--only WORK,WORK] [--contestants A,B]
// [--rounds N] [--seconds S]. What its figures mean: bench/README.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/checkout.ts';
import { Bench, type Work } from './bench.ts';
import { allContestants, contestantsNamed, mainContestants } from './contestants.ts';
import { outcomesOf } from './goals.ts';
import { startLoad } from './load-process.ts';
import { machine } from './machine.ts';
import { endAll, removeFolders } from './processes.ts';
import { tableOf } from './report.ts';
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
const page = join(root, 'docs/benchmarks.md');
const markers = { begin: '<!-- bench: begin -->', end: '<!-- bench: end -->' };

/** Ends with what is wrong with the command. */
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

/** Replaces what stands between the markers of docs/benchmarks.md. */
function write(text: string): void {
  const before = readFileSync(page, 'utf8');
  const [begin, end] = [before.indexOf(markers.begin), before.indexOf(markers.end)];
  if (begin < 0 || end < begin)
    throw new Error(`${page} lacks the markers ${markers.begin} and ${markers.end}`);
  writeFileSync(page, `${before.slice(0, begin + markers.begin.length)}\n\n${text}\n\n${before.slice(end)}`);
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
bench.print(
  machine(
    process.argv.slice(2).filter((flag) => flag !== '--no-build'),
    present,
  ),
);
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
const verdict = { true: 'yes', false: 'NO', null: '–' };
bench.print(
  `### Goals\n\n${tableOf(
    ['goal', 'measured', 'met'],
    outcomes.map(({ goal, measured, isMet }) => [goal, measured, verdict[`${isMet}`]]),
    3,
  )}`,
);
if (bench.failures.length > 0) {
  bench.print(`### Failures\n\n${bench.failures.map((failure) => `- ${failure}`).join('\n')}`);
  process.exitCode = 1;
}
if (values.full || values.write) write(bench.sections.join('\n\n'));
