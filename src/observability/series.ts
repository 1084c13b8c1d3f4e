import { nextTurn } from '../turn.ts';

type Labels = Readonly<Record<string, string>>;

/** One line of the page. */
export interface Sample {
  readonly labels?: Labels;
  /** More labels; where neighboring samples hold the same object, it is written out only once. */
  readonly sharedLabels?: Labels;
  readonly value: number;
  /** Set where it differs from the family's name. */
  readonly metricName?: string;
}

type FamilyType = 'counter' | 'gauge' | 'histogram';

interface Family {
  readonly type: FamilyType;
  readonly name: string;
  readonly help: string;
  readonly read: () => Iterable<Sample> | Promise<Iterable<Sample>>;
}

/** As many samples are written in one turn of the event loop, which takes about a millisecond. */
const samplesInTurn = 1_000;

/**
 * Metric families whose samples are read when the page is asked for: what Prometheus client libraries call custom
 * collectors. The gateway counts in plain numbers: libraries hash the labels at each observation, and an object that
 * nobody reads any more (a removed upstream) takes its series along without a trace.
 */
export class Families {
  readonly #families: Family[] = [];

  add(type: FamilyType, name: string, help: string, read: Family['read']): void {
    this.#families.push({ type, name, help, read });
  }

  /**
   * The page in UTF-8. Prometheus, Exposition formats, Text-based format 0.0.4. It may have a hundred thousand lines, so
   * others get their turn between them.
   */
  async page(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let text = '';
    let written = 0;
    for (const { type, name, help, read } of this.#families) {
      if (written > 0) text += '\n';
      text += `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
      let shared: Labels | undefined;
      let sharedText = '';
      for (const { labels, sharedLabels, value, metricName = name } of await read()) {
        if (sharedLabels !== shared) {
          shared = sharedLabels;
          sharedText = labelsText(shared);
        }
        const own = labelsText(labels);
        const all = own === '' || sharedText === '' ? own + sharedText : `${own},${sharedText}`;
        text += `${metricName}${all === '' ? '' : `{${all}}`} ${valueText(value)}\n`;
        if (++written % samplesInTurn > 0) continue;
        parts.push(Buffer.from(text));
        text = '';
        await nextTurn();
      }
    }
    parts.push(Buffer.from(text));
    return Buffer.concat(parts);
  }
}

function labelsText(labels: Labels | undefined): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${quoted(labels[name] as string)}"`;
  return text;
}

function escaped(text: string): string {
  return /[\\\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n') : text;
}

function quoted(text: string): string {
  return escaped(text).replaceAll('"', '\\"');
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/** Bounds of all histograms of requests and calls, in seconds. */
const durationBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts observations into buckets. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** How many observations fell below each bound and above the one before; the last: above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` are the upper bounds of the buckets, ascending, `+Inf` left out. */
  constructor(bounds: readonly number[] = durationBuckets) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  /** The samples of the histogram `name`: buckets (cumulative), sum and count. */
  *samples(name: string, sharedLabels: Labels = {}): Generator<Sample> {
    let cumulative = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      cumulative += count;
      const le = this.#bounds[bucket] === undefined ? '+Inf' : String(this.#bounds[bucket]);
      yield { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: cumulative };
    }
    yield { metricName: `${name}_sum`, sharedLabels, value: this.#sum };
    yield { metricName: `${name}_count`, sharedLabels, value: cumulative };
  }
}
