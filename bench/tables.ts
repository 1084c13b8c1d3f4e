// Figures as text: the tables of the terminal, of bench/results and of docs/benchmarks.md.

import { medianOf, type Row } from './figures.ts';

/** A column of a table. */
export interface Column {
  readonly metric: string;
  readonly title: string;
  readonly digits: number;
  /** Whether the least and the most of all rounds are shown with the median. */
  readonly hasSpread?: boolean;
  readonly scale?: number;
}

const mb = 1e-6;

/** The figures of one run of the load generator. */
export const loadColumns: readonly Column[] = [
  { metric: 'perSecond', title: 'requests/s', digits: 0, hasSpread: true },
  { metric: 'p50Ms', title: 'p50 ms', digits: 2 },
  { metric: 'p99Ms', title: 'p99 ms', digits: 2, hasSpread: true },
  { metric: 'p999Ms', title: 'p99.9 ms', digits: 2 },
  { metric: 'cpuUs', title: 'CPU µs/request', digits: 1, hasSpread: true },
  { metric: 'loadCpuUs', title: 'load µs', digits: 1 },
  { metric: 'upstreamCpuUs', title: 'upstream µs', digits: 1 },
  { metric: 'idleBytes', title: 'idle MB', digits: 0, scale: mb },
  { metric: 'peakBytes', title: 'peak MB', digits: 0, scale: mb },
  { metric: 'sockets', title: 'sockets', digits: 0 },
];

/** A number with thousands separators, or a dash for NaN. */
export function formatted(value: number, digits: number): string {
  if (Number.isNaN(value)) return '–';
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function cell(row: Row, { metric, digits, hasSpread, scale = 1 }: Column): string {
  const samples = row.samples.get(metric)?.map((sample) => sample * scale) ?? [];
  const median = formatted(medianOf(samples), digits);
  if (!hasSpread || samples.length < 2) return median;
  return `${median} (${formatted(Math.min(...samples), digits)}–${formatted(Math.max(...samples), digits)})`;
}

/** A Markdown table that also reads well as plain text. The first `left` columns are aligned left. */
export function tableOf(titles: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const widths = titles.map((title, at) =>
    Math.max(3, title.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells
      .map((text, at) =>
        at < left ? text.padEnd(widths[at] as number) : text.padStart(widths[at] as number),
      )
      .join(' | ')} |`;
  const rule = widths.map((width, at) => (at < left ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}

/** The page `text` with `content` between its markers `<!-- NAME: begin -->` and `<!-- NAME: end -->`. */
export function betweenMarkers(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [beginAt, endAt] = [text.indexOf(begin), text.indexOf(end)];
  if (beginAt < 0 || endAt < beginAt) throw new Error(`the page lacks the markers ${begin} and ${end}`);
  return `${text.slice(0, beginAt + begin.length)}\n\n${content}\n\n${text.slice(endAt)}`;
}

/** A table of figures. */
export function tableOfRows(rows: readonly Row[], columns: readonly Column[]): string {
  const shown = columns.filter(({ metric }) => rows.some((row) => row.samples.has(metric)));
  return tableOf(
    ['', ...shown.map((column) => column.title)],
    rows.map((row) => [row.contestant, ...shown.map((column) => cell(row, column))]),
  );
}
