// Writes what the documentation shows of the results that are kept: `npm run bench:report`. A run that keeps its own does it, too.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/checkout.ts';
import { chartOf, palettes } from './chart.ts';
import type { Outcome } from './goals.ts';
import { headingOf } from './machine.ts';
import { type KeptResults, keptResults, medianIn, type Result } from './results.ts';
import { betweenMarkers, formatted, tableOf } from './tables.ts';
import { atConcurrency, call } from './workloads/call.ts';
import { faults, starting } from './workloads/faults.ts';
import { idle, idleSetting } from './workloads/idle.ts';
import { large, largeSetting } from './workloads/large.ts';
import { listSetting, toolsList } from './workloads/list.ts';
import { paced, streamed } from './workloads/stream.ts';

const contestants = ['mcpstead', 'crate', 'crate mcp-proxy', 'contextforge', 'nginx', 'bare bun'];

/** A row of the summary. */
interface Line {
  readonly title: string;
  readonly workload: string;
  readonly setting: string;
  readonly metric: string;
  readonly digits: number;
  readonly scale?: number;
}

const atC32 = atConcurrency(32);
const summary: readonly Line[] = [
  ...[1, 32, 200].map((concurrency) => ({
    title: `call: CPU, ${atConcurrency(concurrency)}, µs`,
    workload: call,
    setting: atConcurrency(concurrency),
    metric: 'cpuUs',
    digits: 1,
  })),
  { title: 'call: requests/s, c=32', workload: call, setting: atC32, metric: 'perSecond', digits: 0 },
  { title: 'call: p99, c=32, ms', workload: call, setting: atC32, metric: 'p99Ms', digits: 2 },
  {
    title: 'list of 1,000 tools: requests/s',
    workload: toolsList,
    setting: listSetting(1000, 1),
    metric: 'perSecond',
    digits: 0,
  },
  {
    title: 'results of 1 MB: MB/s',
    workload: large,
    setting: largeSetting(1e6),
    metric: 'mbPerSecond',
    digits: 0,
  },
  {
    title: 'stream: first of 3 events, p50, ms',
    workload: streamed,
    setting: paced.setting,
    metric: 'firstP50Ms',
    digits: 2,
  },
  {
    title: 'idle: memory of each of 4,000 streams, KB',
    workload: idle,
    setting: idleSetting(4000),
    metric: 'bytesPerStream',
    digits: 1,
    scale: 1 / 1024,
  },
  {
    title: '60 upstreams, 20 of them ill: start to `/health`, ms',
    workload: faults,
    setting: starting,
    metric: 'healthMs',
    digits: 0,
  },
  {
    title: 'memory before any call, MB',
    workload: call,
    setting: atC32,
    metric: 'idleBytes',
    digits: 0,
    scale: 1e-6,
  },
];

/** The goals as a table. */
export function goalTable(goals: readonly Outcome[]): string {
  const verdict = (isMet: boolean | null) => (isMet === null ? '–' : isMet ? 'yes' : 'NO');
  return tableOf(
    ['goal', 'measured', 'met'],
    goals.map(({ goal, measured, isMet }) => [goal, measured, verdict(isMet)]),
    3,
  );
}

function summaryTable(result: Result): string {
  const rows = summary.map(({ title, workload, setting, metric, digits, scale = 1 }) => [
    title,
    ...contestants.map((contestant) => {
      const median = medianIn(result, workload, setting, contestant, metric);
      return formatted(median === null ? Number.NaN : median * scale, digits);
    }),
  ]);
  return tableOf(['', ...contestants], rows);
}

/** The page `text` with the summaries of `results` between its markers. */
function withSummary(text: string, { whole, later }: KeptResults): string {
  const generated = [headingOf(whole.run), summaryTable(whole), '### Goals', goalTable(whole.goals)];
  for (const [workloads, { run, goals }] of later)
    generated.push(`### Since then: ${workloads}`, headingOf(run), goalTable(goals));
  return betweenMarkers(text, 'bench', generated.join('\n\n'));
}

/** The files that show `results`: their paths in the checkout and their texts. */
export function reportFiles(results: KeptResults): Record<string, string> {
  const page = 'docs/benchmarks.md';
  return {
    [page]: withSummary(readFileSync(join(root, page), 'utf8'), results),
    'docs/images/calls-light.svg': chartOf(results.whole, palettes.light),
    'docs/images/calls-dark.svg': chartOf(results.whole, palettes.dark),
  };
}

/** Writes them. */
export function writeReport(): void {
  mkdirSync(join(root, 'docs/images'), { recursive: true });
  for (const [path, text] of Object.entries(reportFiles(keptResults())))
    writeFileSync(join(root, path), text);
}

if (import.meta.main) writeReport();
