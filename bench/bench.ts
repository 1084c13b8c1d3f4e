// The common part of all workloads: contestants, rounds, and one measured run.

import type { Contestant } from './contestants/contestant.ts';
import { Figures } from './figures.ts';
import { directly, type Gateway, type StartOptions, startGateway, type Upstreams } from './gateways.ts';
import type { RequestResult, RequestSpec } from './load/requests.ts';
import type { PhaseResult } from './load/tally.ts';
import type { Load } from './load-process.ts';
import { type Column, tableOfRows } from './tables.ts';

const minWarmUpSeconds = 0.5;
/** How long calls run until a JIT compiler is nearly, and fully, done: it revisits what it has compiled. */
const justInTimeSeconds = { short: 5, full: 10 };
/** Longer failures are truncated in the report, not on the terminal. */
const maxFailureLength = 120;

/** The extent of a run. */
export interface Options {
  readonly isFull: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

interface Named {
  readonly name: string;
}

/** Measures one contestant for some seconds and resolves to its figures. */
type Measure<T> = (contestant: T, seconds: number) => Promise<Record<string, number>>;

/** A setting in which gateways are measured. */
export interface Setting {
  readonly setting: string;
  readonly measure: Measure<Gateway>;
}

/** The context of all workloads. */
export class Bench {
  readonly figures = new Figures();
  /** The tables of the report, in order. */
  readonly sections: string[] = [];
  /** The failures; one fails the whole run. */
  readonly failures: string[] = [];
  /** Rows that have failed and are no longer measured. */
  readonly #failed = new Set<string>();

  constructor(
    readonly options: Options,
    readonly contestants: readonly Contestant[],
    readonly load: Load,
  ) {}

  /**
   * The numbers of the rounds, grouped by start of the contestants. Two processes of one program differ by up to 10 % for
   * as long as they live, because of their memory layout and the choices of the JIT compiler. So each round of a full run
   * starts new ones, wherever that much matters.
   */
  get starts(): readonly (readonly number[])[] {
    const { isFull, rounds } = this.options;
    const numbers = Array.from({ length: rounds }, (_, round) => round);
    return isFull ? numbers.map((round) => [round]) : [numbers];
  }

  /** How long contestants with a JIT compiler are loaded before anything is measured. */
  get justInTimeSeconds(): number {
    return this.options.isFull ? justInTimeSeconds.full : justInTimeSeconds.short;
  }

  /** The contestant called `name`, or null if it does not take part. */
  contestant(name: string): Contestant | null {
    return this.contestants.find((one) => one.name === name) ?? null;
  }

  /** Prints a section of the report. */
  print(text: string): void {
    console.log(`\n${text}`);
    this.sections.push(text);
  }

  /** Prints the table of one workload and setting. */
  printTable(workload: string, setting: string, columns: readonly Column[], note = ''): void {
    const rows = this.figures.rows.filter((row) => row.workload === workload && row.setting === setting);
    if (rows.length === 0) return;
    this.print(
      `### ${workload}: ${setting}\n${note === '' ? '' : `\n${note}\n`}\n${tableOfRows(rows, columns)}`,
    );
  }

  /** Starts the contestants that `takesPart` selects in front of the upstreams; `stack` disposes of them. */
  async start(
    workload: string,
    stack: AsyncDisposableStack,
    { addresses }: Upstreams,
    options: StartOptions,
    takesPart: (contestant: Contestant) => boolean = () => true,
  ): Promise<Gateway[]> {
    const gateways: Gateway[] = [];
    for (const contestant of this.contestants.filter(takesPart)) {
      try {
        gateways.push(stack.use(await startGateway(contestant, addresses, options)));
      } catch (error) {
        this.fail(`${workload}: ${(error as Error).message}`);
      }
    }
    return gateways;
  }

  /**
   * Measures the upstream itself and the contestants that `takesPart` selects in one setting after another, and
   * restarts them as {@link starts} says.
   * @param load warms up the JIT compilers before anything is measured
   */
  async measureStarts(
    workload: string,
    upstreams: Upstreams,
    options: StartOptions,
    settings: readonly Setting[],
    load: (justInTime: readonly Gateway[]) => Promise<void>,
    takesPart?: (contestant: Contestant) => boolean,
  ): Promise<void> {
    for (const rounds of this.starts) {
      await using stack = new AsyncDisposableStack();
      const started = await this.start(workload, stack, upstreams, options, takesPart);
      const gateways = [directly(upstreams), ...started];
      await load(gateways.filter(({ isJustInTime }) => isJustInTime));
      for (const { setting, measure } of settings) {
        await this.warmUp(workload, setting, gateways, measure);
        for (const round of rounds) await this.round(round, workload, setting, gateways, measure);
      }
    }
  }

  /** Records a failure once. Everything that does not depend on it continues. */
  fail(what: string): void {
    console.error(`FAILED: ${what}`);
    const [line = ''] = what.slice(0, maxFailureLength).split('\n');
    if (!this.failures.includes(line)) this.failures.push(line);
  }

  /** Runs `measure` for each contestant in turn, round by round, after one warm-up round that does not count. */
  async rounds<T extends Named>(
    workload: string,
    setting: string,
    contestants: readonly T[],
    measure: Measure<T>,
  ): Promise<void> {
    await this.warmUp(workload, setting, contestants, measure);
    for (let round = 0; round < this.options.rounds; round += 1)
      await this.round(round, workload, setting, contestants, measure);
  }

  /** Runs `measure` for each contestant and drops the figures. */
  async warmUp<T extends Named>(
    workload: string,
    setting: string,
    contestants: readonly T[],
    measure: Measure<T>,
    seconds = Math.max(minWarmUpSeconds, this.options.seconds / 2),
  ): Promise<void> {
    for (const contestant of contestants)
      await this.#try(workload, setting, contestant, () => measure(contestant, seconds));
  }

  /** Runs `measure` for each contestant. Each round begins with another one, so that none always runs after the same. */
  async round<T extends Named>(
    round: number,
    workload: string,
    setting: string,
    contestants: readonly T[],
    measure: Measure<T>,
  ): Promise<void> {
    for (const { name } of contestants) this.figures.add(workload, setting, name, {});
    const first = round % Math.max(1, contestants.length);
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const { name } = contestant;
      const figures = await this.#try(workload, setting, contestant, () =>
        measure(contestant, this.options.seconds),
      );
      if (figures) this.figures.add(workload, setting, name, figures);
      else this.figures.drop(workload, setting, name);
    }
  }

  /** Runs `measure`. Resolves to null if it fails, and for that row from then on: wrong responses make figures worthless. */
  async #try<Result>(
    workload: string,
    setting: string,
    { name }: Named,
    measure: () => Promise<Result>,
  ): Promise<Result | null> {
    const row = `${workload}, ${setting}, ${name}`;
    if (this.#failed.has(row)) return null;
    try {
      return await measure();
    } catch (error) {
      this.fail(`${row}: ${(error as Error).message}`);
      this.#failed.add(row);
      return null;
    }
  }
}

/** One kind of load, with its own upstreams and tables. */
export interface Workload {
  readonly name: string;
  /** Contestants that take part in no other one. */
  readonly own?: readonly Contestant[];
  run(bench: Bench): Promise<void>;
}

/** Runs one load on a gateway and measures all processes involved. */
export async function measureRequests(
  { load }: Bench,
  gateway: Gateway,
  upstreams: Upstreams,
  spec: Omit<RequestSpec, 'kind' | 'target' | 'mayFail'> & { readonly mayFail?: boolean },
): Promise<{ readonly result: RequestResult; readonly figures: Record<string, number> }> {
  const { process } = gateway;
  process?.resetPeak();
  const before = { gateway: process?.cpuNs() ?? 0, upstream: upstreams.process.cpuNs() };
  let sockets = 0;
  const halfway = setTimeout(() => {
    sockets = process?.sockets() ?? 0;
  }, spec.seconds * 500);
  let result: RequestResult;
  try {
    result = await load.run({ kind: 'request', mayFail: false, target: gateway.target, ...spec });
  } finally {
    clearTimeout(halfway);
  }
  const part = result.parts[0] as PhaseResult;
  const requests = result.parts.reduce(
    (sum, { answered, shed, broken }) => sum + answered + shed + broken,
    0,
  );
  if (part.answered === 0 && !spec.mayFail) throw new Error('no request was answered');
  return {
    result,
    figures: {
      perSecond: part.answered / part.seconds,
      p50Ms: part.p50Ms,
      p99Ms: part.p99Ms,
      p999Ms: part.p999Ms,
      unsent: part.unsent,
      loadCpuUs: result.cpuUs / requests,
      upstreamCpuUs: (upstreams.process.cpuNs() - before.upstream) / 1000 / requests,
      ...(process && {
        cpuUs: (process.cpuNs() - before.gateway) / 1000 / requests,
        idleBytes: gateway.idleBytes,
        peakBytes: process.peakBytes(),
        sockets,
      }),
    },
  };
}
