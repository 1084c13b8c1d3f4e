// The result of a full run as it is kept in bench/results: all tables as Markdown, all figures as JSON.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Reads the last full run. */
export function lastResult(): Result {
  return JSON.parse(readFileSync(join(folder, 'full.json'), 'utf8'));
}

/** Replaces the last full run. */
export function saveResult(result: Result, tables: string): void {
  writeFileSync(join(folder, 'full.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(
    join(folder, 'full.md'),
    `# The last full run\n\n<!-- Written by \`npm run bench -- --full\`. -->\n\n${tables}\n`,
  );
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
