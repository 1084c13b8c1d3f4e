// What all works share: the contestants that take part, the rounds, and one measured run.

import type { Contestant } from './contestants/contestant.ts';
import { Figures } from './figures.ts';
import { type Gateway, type StartOptions, startGateway, type Upstreams } from './gateways.ts';
import type { AskResult, AskSpec } from './load/ask.ts';
import type { Part } from './load/tally.ts';
import type { Load } from './load-process.ts';
import { type Column, tableOfRows } from './report.ts';

const minWarmUpSeconds = 0.5;
/** What fits into a line of the report; the terminal shows all. */
const maxFailureLength = 120;

/** How a run of the benchmark goes. */
export interface Options {
  readonly isFull: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

/** What a work is run with. */
export class Bench {
  readonly figures = new Figures();
  /** The tables in the order in which they came, for the report. */
  readonly sections: string[] = [];
  /** What went wrong, and with it the whole run. */
  readonly failures: string[] = [];

  constructor(
    readonly options: Options,
    readonly contestants: readonly Contestant[],
    readonly load: Load,
  ) {}

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

  /** Notes a failure. What does not depend on it goes on. */
  fail(what: string): void {
    console.error(`FAILED: ${what}`);
    const [line = ''] = what.slice(0, maxFailureLength).split('\n');
    this.failures.push(line);
  }

  /** Runs `measure` for each contestant in each round, by turns; what the first round, the warm-up, gives is dropped. */
  async rounds<T extends { readonly name: string }>(
    work: string,
    setting: string,
    contestants: readonly T[],
    measure: (contestant: T, seconds: number) => Promise<Record<string, number>>,
  ): Promise<void> {
    const { rounds, seconds } = this.options;
    const warmUpSeconds = Math.max(minWarmUpSeconds, seconds / 2);
    let left = [...contestants];
    for (const { name } of left) this.figures.add(work, setting, name, {});
    for (let round = 0; round <= rounds; round += 1) {
      // Each round begins with another one, so that none always follows the same.
      const first = round % Math.max(1, left.length);
      for (const contestant of [...left.slice(first), ...left.slice(0, first)]) {
        try {
          const figures = await measure(contestant, round === 0 ? warmUpSeconds : seconds);
          if (round > 0) this.figures.add(work, setting, contestant.name, figures);
        } catch (error) {
          // Figures of one that answered wrongly are worth nothing.
          this.fail(`${work}, ${setting}, ${contestant.name}: ${(error as Error).message}`);
          this.figures.drop(work, setting, contestant.name);
          left = left.filter((one) => one !== contestant);
        }
      }
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
