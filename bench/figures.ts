// What was measured: samples, one for each round, by work, setting and contestant.

/** The samples of one row, by metric. Names carry their unit. */
export interface Row {
  readonly work: string;
  readonly setting: string;
  readonly contestant: string;
  readonly samples: Map<string, number[]>;
}

export const medianOf = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  // Of an even number of rounds the middle two count, or the median of two would be their worse one.
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

/** All figures of a run. */
export class Figures {
  rows: Row[] = [];

  /** Adds a round's figures to a row. */
  add(work: string, setting: string, contestant: string, figures: Readonly<Record<string, number>>): void {
    let row = this.#row(work, setting, contestant);
    if (!row) {
      row = { work, setting, contestant, samples: new Map() };
      this.rows.push(row);
    }
    for (const [metric, value] of Object.entries(figures)) {
      row.samples.set(metric, [...(row.samples.get(metric) ?? []), value]);
    }
  }

  /** Takes a row away. */
  drop(work: string, setting: string, contestant: string): void {
    const row = this.#row(work, setting, contestant);
    this.rows = this.rows.filter((one) => one !== row);
  }

  /** The median of a metric, or null where it was not measured. */
  median(work: string, setting: string, contestant: string, metric: string): number | null {
    const samples = this.samples(work, setting, contestant, metric);
    return samples.length > 0 ? medianOf(samples) : null;
  }

  /**
   * The median of what a metric is to that of another row, round by round: what else the machine does in a round falls on
   * both. Null where one of the two was not measured in each round.
   */
  ratio(work: string, setting: string, contestant: string, to: string, metric: string): number | null {
    const bases = this.samples(work, setting, to, metric);
    const ratios = this.samples(work, setting, contestant, metric).map(
      (value, round) => value / (bases[round] ?? Number.NaN),
    );
    return ratios.length > 0 && ratios.length === bases.length ? medianOf(ratios) : null;
  }

  /** All samples of a metric; none where it was not measured. */
  samples(work: string, setting: string, contestant: string, metric: string): readonly number[] {
    return this.#row(work, setting, contestant)?.samples.get(metric) ?? [];
  }

  #row(work: string, setting: string, contestant: string): Row | undefined {
    return this.rows.find(
      (row) => row.work === work && row.setting === setting && row.contestant === contestant,
    );
  }
}
