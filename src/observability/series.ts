// Only the registry: the whole package would load node:http, node:zlib and node:cluster, which take 8 ms of each start.
import type { Metric } from 'prom-client';
import Registry from 'prom-client/lib/registry.js';
import { nextTurn } from '../runtime/event-loop.ts';

type Labels = Readonly<Record<string, string>>;

/** One line of the page, as prom-client's registry expects it. */
export interface Sample {
  readonly labels?: Labels;
  /** More labels; samples that share the object are serialized faster. */
  readonly sharedLabels?: Labels;
  readonly value: number;
  /** Set if it differs from the name of the family. */
  readonly metricName?: string;
}

export type FamilyType = 'counter' | 'gauge' | 'histogram';

type Read = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/** A metric family, with the slice of its samples that the registry writes next. */
interface Family {
  readonly name: string;
  readonly read: Read;
  slice: readonly Sample[];
}

/** The samples per turn of the event loop, which take a few milliseconds. */
const maxSamplesInTurn = 500;

/**
 * Metric families whose samples are read for each page, which Prometheus libraries call custom collectors. The gateway counts
 * in plain numbers: libraries hash the labels at each observation, and the series of a removed upstream vanish with its
 * object. prom-client writes the text.
 */
export class Families {
  readonly #families: Family[] = [];
  readonly #registry = new Registry();

  add(type: FamilyType, name: string, help: string, read: Read): void {
    const family: Family = { name, read, slice: [] };
    this.#families.push(family);
    const metric = { name, get: async () => ({ name, help, type, values: family.slice }) };
    // The registry uses only these members, but its type names prom-client's own classes.
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  /**
   * Makes the page in UTF-8: Prometheus, Exposition formats, Text-based format 0.0.4. It may have a hundred thousand lines, so
   * it yields to other work in between. Calls must not overlap.
   */
  async page(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (const family of this.#families) {
      let isFirst = true;
      for (const slice of slicesOf(await family.read())) {
        family.slice = slice;
        const text = await this.#registry.getSingleMetricAsString(family.name);
        parts.push(Buffer.from(isFirst ? text : withoutHead(text)));
        isFirst = false;
        if (slice.length === maxSamplesInTurn) await nextTurn();
      }
      family.slice = [];
      parts.push(familyEnd);
    }
    return Buffer.concat(parts);
  }
}

const familyEnd = Buffer.from('\n\n');

/** The text of a family without the lines for help and type. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1));
}

/** The samples in arrays of at most {@link maxSamplesInTurn}; at least one, which may be empty. */
function* slicesOf(samples: Iterable<Sample>): Generator<readonly Sample[]> {
  let slice: Sample[] = [];
  for (const sample of samples) {
    if (slice.length === maxSamplesInTurn) {
      yield slice;
      slice = [];
    }
    slice.push(sample);
  }
  yield slice;
}

/** A sample for each count, with its key as the value of `label`. */
export function samplesBy(
  label: string,
  counts: Readonly<Record<string, number>>,
  labels: Labels = {},
): Sample[] {
  return Object.entries(counts).map(([key, value]) => ({ labels: { ...labels, [label]: key }, value }));
}

/** The bounds of all histograms of requests and calls, in seconds. */
const durationBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts observations into buckets. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** The observations up to each bound and above the one before; the last: above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds the upper bounds of the buckets, ascending, without `+Inf` */
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
