// The results that bench/results keeps: all tables as Markdown, all figures as JSON.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from '../scripts/checkout.ts';
import { type Figures, medianOf } from './figures.ts';
import type { Outcome } from './goals.ts';
import type { Run } from './machine.ts';

/** One metric over all rounds. `least` and `most` may be missing. */
export interface Figure {
  readonly median: number;
  readonly least?: number;
  readonly most?: number;
}

/** One row of one table. */
export interface ResultRow {
  readonly workload: string;
  readonly setting: string;
  readonly contestant: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** All figures of a run. */
export interface Result {
  readonly run: Run;
  readonly goals: readonly Outcome[];
  readonly failures: readonly string[];
  readonly rows: readonly ResultRow[];
}

const folder = join(root, 'bench/results');
const significantDigits = 6;

/** Collects the figures of a run that has ended. */
export function resultOf(
  run: Run,
  figures: Figures,
  goals: readonly Outcome[],
  failures: readonly string[],
): Result {
  const rounded = (value: number) => Number(value.toPrecision(significantDigits));
  const figureOf = (samples: readonly number[]): Figure => ({
    median: rounded(medianOf(samples)),
    least: rounded(Math.min(...samples)),
    most: rounded(Math.max(...samples)),
  });
  const rows = figures.rows.map(({ workload, setting, contestant, samples }) => ({
    workload,
    setting,
    contestant,
    figures: Object.fromEntries(
      [...samples]
        // JSON has no infinity, the time of a recovery that never came.
        .filter(([, values]) => values.every(Number.isFinite))
        .map(([metric, values]) => [metric, figureOf(values)]),
    ),
  }));
  return { run, goals, failures, rows };
}

/** The name of a full run of all workloads. */
export const wholeRun = 'full';

/** The results that are kept. */
export interface KeptResults {
  /** The last full run. */
  readonly whole: Result;
  /** Later runs of some workloads, by the names of these. */
  readonly later: ReadonlyMap<string, Result>;
}

/** Reads the results that are kept. */
export function keptResults(): KeptResults {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const results = new Map(names.sort().map((file) => [basename(file, '.json'), resultIn(file)]));
  const whole = results.get(wholeRun);
  if (whole === undefined) throw new Error(`${folder} lacks ${wholeRun}.json; run the benchmark with --full`);
  results.delete(wholeRun);
  return { whole, later: results };
}

function resultIn(file: string): Result {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

/**
 * Keeps a result in place of the last one of its name. A full run replaces all.
 * @param name {@link wholeRun}, or the names of the workloads
 * @param tables as Markdown
 */
export function saveResult(name: string, result: Result, tables: string): void {
  if (name === wholeRun) for (const file of readdirSync(folder)) rmSync(join(folder, file));
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const title = name === wholeRun ? 'The last full run' : `The last run of ${name}`;
  const text = `# ${title}\n\n<!-- Written by \`npm run bench\`. -->\n\n${tables}\n`;
  writeFileSync(join(folder, `${name}.md`), text);
}

/** The median of a metric in the row of one contestant, or null if it was not measured. */
export function medianIn(
  result: Result,
  workload: string,
  setting: string,
  contestant: string,
  metric: string,
): number | null {
  const row = result.rows.find(
    (one) => one.workload === workload && one.setting === setting && one.contestant === contestant,
  );
  return row?.figures[metric]?.median ?? null;
}
