// Samples, one for each round, by workload, setting and contestant.

/** The samples of one row, by metric. Names of metrics end in their unit. */
export interface Row {
  readonly workload: string;
  readonly setting: string;
  readonly contestant: string;
  readonly samples: Map<string, number[]>;
}

export const medianOf = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  // For an even number of samples, the mean of the middle two.
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

/** All figures of a run. */
export class Figures {
  rows: Row[] = [];

  /** Adds a round's figures to a row. */
  add(
    workload: string,
    setting: string,
    contestant: string,
    figures: Readonly<Record<string, number>>,
  ): void {
    let row = this.#row(workload, setting, contestant);
    if (!row) {
      row = { workload, setting, contestant, samples: new Map() };
      this.rows.push(row);
    }
    for (const [metric, value] of Object.entries(figures)) {
      row.samples.set(metric, [...(row.samples.get(metric) ?? []), value]);
    }
  }

  /** Removes a row. */
  drop(workload: string, setting: string, contestant: string): void {
    const row = this.#row(workload, setting, contestant);
    this.rows = this.rows.filter((one) => one !== row);
  }

  /** The median of a metric, or null if it was not measured. */
  median(workload: string, setting: string, contestant: string, metric: string): number | null {
    const samples = this.samples(workload, setting, contestant, metric);
    return samples.length > 0 ? medianOf(samples) : null;
  }

  /**
   * The median of the ratios of a metric to that of another row, round by round: other load on the machine affects both
   * in the same round. Null unless both were measured in each round.
   */
  ratio(workload: string, setting: string, contestant: string, to: string, metric: string): number | null {
    const bases = this.samples(workload, setting, to, metric);
    const ratios = this.samples(workload, setting, contestant, metric).map(
      (value, round) => value / (bases[round] ?? Number.NaN),
    );
    return ratios.length > 0 && ratios.length === bases.length ? medianOf(ratios) : null;
  }

  /** All samples of a metric; empty if it was not measured. */
  samples(workload: string, setting: string, contestant: string, metric: string): readonly number[] {
    return this.#row(workload, setting, contestant)?.samples.get(metric) ?? [];
  }

  #row(workload: string, setting: string, contestant: string): Row | undefined {
    return this.rows.find(
      (row) => row.workload === workload && row.setting === setting && row.contestant === contestant,
    );
  }
}
