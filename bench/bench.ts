// What all works share: the contestants that take part, the rounds, and one measured run.

import type { Contestant } from './contestants/contestant.ts';
import { Figures } from './figures.ts';
import { directly, type Gateway, type StartOptions, startGateway, type Upstreams } from './gateways.ts';
import type { AskResult, AskSpec } from './load/ask.ts';
import type { Part } from './load/tally.ts';
import type { Load } from './load-process.ts';
import { type Column, tableOfRows } from './tables.ts';

const minWarmUpSeconds = 0.5;
/** How long a load of calls goes on until a JIT compiler is nearly done, and until it is: it comes back to what it has compiled. */
const justInTimeSeconds = { short: 5, full: 10 };
/** What fits into a line of the report; the terminal shows all. */
const maxFailureLength = 120;

/** How a run of the benchmark goes. */
export interface Options {
  readonly isFull: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

interface Named {
  readonly name: string;
}

/** Takes the figures of one contestant, for so long. */
type Measure<T> = (contestant: T, seconds: number) => Promise<Record<string, number>>;

/** A setting at which gateways are measured. */
export interface Setting {
  readonly setting: string;
  readonly measure: Measure<Gateway>;
}

/** What a work is run with. */
export class Bench {
  readonly figures = new Figures();
  /** The tables in the order in which they came, for the report. */
  readonly sections: string[] = [];
  /** What went wrong, and with it the whole run. */
  readonly failures: string[] = [];
  /** The rows that are not measured any more. */
  readonly #failed = new Set<string>();

  constructor(
    readonly options: Options,
    readonly contestants: readonly Contestant[],
    readonly load: Load,
  ) {}

  /**
   * The numbers of the rounds, by the start of the contestants that they belong to. What memory a process gets and what
   * its JIT compiler makes of it are a matter of chance: two processes of one program differ by up to 10 % for as long
   * as they live. So each round of a full run begins with new ones, where that much matters.
   */
  get starts(): readonly (readonly number[])[] {
    const { isFull, rounds } = this.options;
    const numbers = Array.from({ length: rounds }, (_, round) => round);
    return isFull ? numbers.map((round) => [round]) : [numbers];
  }

  /** How long a load goes on, before anything is measured, where there is a JIT compiler. */
  get justInTimeSeconds(): number {
    return this.options.isFull ? justInTimeSeconds.full : justInTimeSeconds.short;
  }

  /** The contestant called `name`, where it takes part. */
  contestant(name: string): Contestant | null {
    return this.contestants.find((one) => one.name === name) ?? null;
  }

  /** Prints a piece of the report. */
  print(text: string): void {
    console.log(`\n${text}`);
    this.sections.push(text);
  }

  /** Prints what a work measured at one setting. */
  printTable(work: string, setting: string, columns: readonly Column[], note = ''): void {
    const rows = this.figures.rows.filter((row) => row.work === work && row.setting === setting);
    if (rows.length === 0) return;
    this.print(`### ${work}: ${setting}\n${note === '' ? '' : `\n${note}\n`}\n${tableOfRows(rows, columns)}`);
  }

  /** Starts the contestants that `takesPart` names in front of the upstreams; they end with `stack`. */
  async start(
    work: string,
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
        this.fail(`${work}: ${(error as Error).message}`);
      }
    }
    return gateways;
  }

  /**
   * Measures the upstream itself and the contestants that `takesPart` names in front of it, at one setting after the
   * other, and starts them as often as {@link starts} says.
   * @param load brings the JIT compilers to work, before anything is measured
   */
  async measureStarts(
    work: string,
    upstreams: Upstreams,
    options: StartOptions,
    settings: readonly Setting[],
    load: (justInTime: readonly Gateway[]) => Promise<void>,
    takesPart?: (contestant: Contestant) => boolean,
  ): Promise<void> {
    for (const rounds of this.starts) {
      await using stack = new AsyncDisposableStack();
      const started = await this.start(work, stack, upstreams, options, takesPart);
      const gateways = [directly(upstreams), ...started];
      await load(gateways.filter(({ isJustInTime }) => isJustInTime));
      for (const { setting, measure } of settings) {
        await this.warmUp(work, setting, gateways, measure);
        for (const round of rounds) await this.round(round, work, setting, gateways, measure);
      }
    }
  }

  /** Notes a failure, once. What does not depend on it goes on. */
  fail(what: string): void {
    console.error(`FAILED: ${what}`);
    const [line = ''] = what.slice(0, maxFailureLength).split('\n');
    if (!this.failures.includes(line)) this.failures.push(line);
  }

  /** Runs `measure` for each contestant in each round, by turns; what the first round, the warm-up, gives is dropped. */
  async rounds<T extends Named>(
    work: string,
    setting: string,
    contestants: readonly T[],
    measure: Measure<T>,
  ): Promise<void> {
    await this.warmUp(work, setting, contestants, measure);
    for (let round = 0; round < this.options.rounds; round += 1)
      await this.round(round, work, setting, contestants, measure);
  }

  /** Runs `measure` for each contestant, and drops what it gives. */
  async warmUp<T extends Named>(
    work: string,
    setting: string,
    contestants: readonly T[],
    measure: Measure<T>,
    seconds = Math.max(minWarmUpSeconds, this.options.seconds / 2),
  ): Promise<void> {
    for (const contestant of contestants)
      await this.#try(work, setting, contestant, () => measure(contestant, seconds));
  }

  /** Runs `measure` for each contestant. Each round begins with another one, so that none always follows the same. */
  async round<T extends Named>(
    round: number,
    work: string,
    setting: string,
    contestants: readonly T[],
    measure: Measure<T>,
  ): Promise<void> {
    for (const { name } of contestants) this.figures.add(work, setting, name, {});
    const first = round % Math.max(1, contestants.length);
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const { name } = contestant;
      const figures = await this.#try(work, setting, contestant, () =>
        measure(contestant, this.options.seconds),
      );
      if (figures) this.figures.add(work, setting, name, figures);
      else this.figures.drop(work, setting, name);
    }
  }

  /** What `measure` gives; null where it fails, and from then on: figures of one that answered wrongly are worth nothing. */
  async #try<Result>(
    work: string,
    setting: string,
    { name }: Named,
    measure: () => Promise<Result>,
  ): Promise<Result | null> {
    const row = `${work}, ${setting}, ${name}`;
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

/** A part of the benchmark. */
export interface Work {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

/** Runs one load on a gateway and measures all processes that take part. */
export async function measuredAsk(
  { load }: Bench,
  gateway: Gateway,
  upstreams: Upstreams,
  spec: Omit<AskSpec, 'kind' | 'target' | 'mayFail'> & { readonly mayFail?: boolean },
): Promise<{ readonly result: AskResult; readonly figures: Record<string, number> }> {
  const { process } = gateway;
  process?.resetPeak();
  const before = { gateway: process?.cpuNs() ?? 0, upstream: upstreams.process.cpuNs() };
  let sockets = 0;
  const halfway = setTimeout(() => {
    sockets = process?.sockets() ?? 0;
  }, spec.seconds * 500);
  let result: AskResult;
  try {
    result = await load.run({ kind: 'ask', mayFail: false, target: gateway.target, ...spec });
  } finally {
    clearTimeout(halfway);
  }
  const part = result.parts[0] as Part;
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
