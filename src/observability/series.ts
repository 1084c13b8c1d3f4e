import type { Metric, Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/** One line of the page, in the form that prom-client's registry writes out. */
export interface Sample {
  readonly labels?: Labels;
  /** More labels; where several samples hold the same object, it is written out only once. */
  readonly sharedLabels?: Labels;
  readonly value: number;
  /** Set where it differs from the family's name. */
  readonly metricName?: string;
}

/**
 * Adds a metric family whose samples are read when the page is asked for: what Prometheus client libraries
 * call a custom collector. The gateway counts in plain numbers, because prom-client's own counters
 * and histograms hash their labels at each observation, and because an object that nobody reads any more
 * (a removed upstream) then takes its series along without a trace.
 */
export function addFamily(
  registry: Registry,
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  read: () => Iterable<Sample> | Promise<Iterable<Sample>>,
): void {
  const family = { name, help, type, get: async () => ({ name, help, type, values: await read() }) };
  // The registry asks nothing of a metric but its name and `get()`; prom-client's type names its own classes.
  registry.registerMetric(family as unknown as Metric);
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
