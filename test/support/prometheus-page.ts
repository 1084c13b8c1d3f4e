import type { Metrics } from '../../src/observability/metrics.ts';

/** One sample of a page: `name{labels} value`. */
export interface PageSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric family of a page: the samples under one `# HELP` and `# TYPE`. */
interface PageFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly PageSample[];
}

const helpLine = /^# HELP ([a-z_]+) (\S.*)$/;
const typeLine = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/;
const sampleLine = /^([a-z_]+)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?|\+Inf)$/;
const label = /([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

/**
 * Parses a page in the Prometheus text format 0.0.4, more strictly than Prometheus: each family is one block of
 * HELP, TYPE and its own samples, and nothing stands twice.
 * @throws Error that quotes the offending line
 */
export function parsePage(page: string): Map<string, PageFamily> {
  if (!page.endsWith('\n')) throw new Error('the page does not end with a newline');
  const families = new Map<string, PageFamily>();
  const seen = new Set<string>();
  let pending: { name: string; help: string } | null = null;
  let current: { name: string; type: string; samples: PageSample[] } | null = null;
  for (const line of page.split('\n')) {
    if (line === '') continue;
    const help = helpLine.exec(line);
    const type = typeLine.exec(line);
    const sample = sampleLine.exec(line);
    if (help) {
      pending = { name: help[1]!, help: help[2]! };
    } else if (type) {
      const [, name, kind] = type;
      if (pending?.name !== name) throw new Error(`TYPE does not follow its HELP: ${line}`);
      if (families.has(name!)) throw new Error(`a second family of this name: ${line}`);
      current = { name: name!, type: kind!, samples: [] };
      families.set(name!, { type: kind!, help: pending!.help, samples: current.samples });
    } else if (sample) {
      const [, name, labels, value] = sample;
      const suffixes = current?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!suffixes.some((suffix) => name === `${current?.name}${suffix}`)) {
        throw new Error(`a sample outside its family: ${line}`);
      }
      const series = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(series)) throw new Error(`a series that stands twice: ${line}`);
      seen.add(series);
      current!.samples.push({
        name: name!,
        labels: parseLabels(labels ?? '', line),
        value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
      });
    } else {
      throw new Error(`no line of the text format: ${line}`);
    }
  }
  return families;
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    label.lastIndex = at;
    const match = label.exec(text);
    if (!match) throw new Error(`labels that cannot be read: ${line}`);
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
    at = label.lastIndex;
  }
  return labels;
}

/**
 * The value of one sample, or undefined where the page has none.
 * @param name of the sample; with the suffix `_bucket`, `_sum` or `_count` for a histogram
 */
export function sampleValue(
  page: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const { samples } of parsePage(page).values()) {
    const found = samples.find((sample) => sample.name === name && Bun.deepEquals(sample.labels, labels));
    if (found) return found.value;
  }
  return undefined;
}

/** The page of `metrics` as text. */
export async function pageOf(metrics: Metrics): Promise<string> {
  return textOf(await metrics.page());
}

export function textOf(page: Uint8Array): string {
  return new TextDecoder().decode(page);
}
