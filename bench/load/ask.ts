// Requests and whole answers: in a closed loop, or at a rate that does not wait for the answers.

import { Checker, type Expectation, type Failure, firstId, firstTag, Template } from './answers.ts';
import { Connection, post, type Target } from './connection.ts';
import { type Part, Tally } from './tally.ts';

/** What to send, and how. */
export interface AskSpec {
  readonly kind: 'ask';
  readonly target: Target;
  /** JSON texts of requests, by turns one for each connection: `firstId` is the id, `firstTag` stands in arguments. */
  readonly messages: readonly string[];
  readonly expect: Expectation;
  readonly connections: number;
  /** null: each connection asks again when it has its answer, for `seconds`. Else: at these rates, one after another. */
  readonly phases: readonly Phase[] | null;
  readonly seconds: number;
  /** Whether errors are counted. Otherwise the first one fails the run. */
  readonly mayFail: boolean;
}

/** A time of constant rate. */
export interface Phase {
  readonly perSecond: number;
  readonly seconds: number;
}

/** What came of it. In a closed loop there is one part. */
export interface AskResult {
  readonly parts: readonly Part[];
  /** CPU time of the load generator itself. */
  readonly cpuUs: number;
  /** Of the last part, by the intended start of the requests: the p99 of each `windowMs`. */
  readonly windowsP99Ms: readonly number[];
  /** Why the first requests failed, where they may. */
  readonly reasons: readonly string[];
}

/** How long after the run's end an answer may still come, and how long a request waits for a free connection. */
const answerTimeoutMs = 20_000;
const giveUpMs = 1_000;
/**
 * The grid on which requests at a rate start. Timers are no finer, and late by half of it at the median; waiting
 * actively would take one of few cores from those under measurement.
 */
const tickMs = 1;
const maxReasons = 5;

/** A connection with its request, and when that was to start. */
class Asker {
  readonly #connection: Connection;
  readonly #request: Template;
  readonly #checker: Checker;
  #startMs = 0;
  #tally: Tally | null = null;

  constructor(
    spec: AskSpec,
    number: number,
    /** Says the outcome: a latency, or what failed and whether cleanly. */
    readonly done: (asker: Asker, tally: Tally, startMs: number, failure: Failure | null) => void,
  ) {
    const message = spec.messages[number % spec.messages.length] as string;
    this.#request = new Template(post(spec.target, message), firstId, firstTag);
    this.#checker = new Checker(spec.expect);
    this.#connection = new Connection(spec.target.port, {
      piece: (_, piece) => this.#checker.piece(piece),
      answer: (head) => this.#end(this.#checker.end(head)),
      broken: (reason, isOwing) => {
        if (isOwing) this.#end({ reason, isClean: false });
      },
    });
  }

  open = () => this.#connection.open();
  close = () => this.#connection.close();

  ask(index: number, startMs: number, tally: Tally): void {
    this.#startMs = startMs;
    this.#tally = tally;
    this.#request.fill(index);
    this.#checker.begin(index);
    this.#connection.send(this.#request.bytes);
  }

  /** Gives up the answer that is missing, where one is. */
  abandon(): void {
    this.#connection.close();
    if (this.#tally !== null) this.#end({ reason: 'no answer came', isClean: false });
  }

  #end(failure: Failure | null): void {
    const tally = this.#tally as Tally;
    this.#tally = null;
    this.done(this, tally, this.#startMs, failure);
  }
}

/** Sends the requests and checks every answer. Rejects on a wrong or missing one, unless the spec allows them. */
export async function ask(spec: AskSpec): Promise<AskResult> {
  const { phases } = spec;
  const cpuBefore = process.cpuUsage();
  const finished = Promise.withResolvers<void>();
  const tallies = (phases ?? [null]).map(() => new Tally());
  const reasons: string[] = [];
  let index = 0;
  let running = 0;
  let isOver = false;
  let beganMs = 0;

  const free: Asker[] = [];
  const askers = Array.from({ length: spec.connections }, (_, number) => new Asker(spec, number, done));
  const start = (asker: Asker, startMs: number, tally: Tally) => {
    running += 1;
    index += 1;
    asker.ask(index, startMs, tally);
  };

  function done(asker: Asker, tally: Tally, startMs: number, failure: Failure | null): void {
    running -= 1;
    const nowMs = performance.now();
    if (failure === null) {
      tally.latenciesMs.push(nowMs - startMs);
      if (phases) tally.startsMs.push(startMs - tally.beganMs);
    } else if (!spec.mayFail) {
      finished.reject(new Error(`a wrong answer: ${failure.reason}`));
      return;
    } else {
      if (failure.isClean) tally.shed += 1;
      else tally.broken += 1;
      if (reasons.length < maxReasons) reasons.push(failure.reason);
    }
    if (phases === null && nowMs < beganMs + spec.seconds * 1000) start(asker, nowMs, tally);
    else next(asker);
    if (running === 0 && (phases === null || isOver)) finished.resolve();
  }

  // At a rate: what is due and found no free connection yet, oldest first.
  let waiting: { readonly startMs: number; readonly tally: Tally }[] = [];
  let firstWaiting = 0;
  function next(asker: Asker): void {
    const due = waiting[firstWaiting];
    if (due === undefined) {
      free.push(asker);
      return;
    }
    firstWaiting += 1;
    start(asker, due.startMs, due.tally);
  }

  /** Starts what is due, at each tick of the grid, until the phase ends. */
  async function runPhase(phase: Phase, tally: Tally): Promise<void> {
    let tick = 0;
    let sent = 0;
    const ticks = (phase.seconds * 1000) / tickMs;
    const phaseBeganMs = performance.now();
    tally.beganMs = phaseBeganMs;
    while (tick < ticks) {
      const nowMs = performance.now();
      for (; tick < ticks && phaseBeganMs + tick * tickMs <= nowMs; tick += 1) {
        const startMs = phaseBeganMs + tick * tickMs;
        for (const due = ((tick + 1) * tickMs * phase.perSecond) / 1000; sent + 1 <= due; sent += 1) {
          const asker = free.pop();
          if (asker) start(asker, startMs, tally);
          else waiting.push({ startMs, tally });
        }
      }
      giveUp(nowMs - giveUpMs);
      await Bun.sleep(Math.max(1, Math.ceil(phaseBeganMs + tick * tickMs - performance.now())));
    }
  }

  function giveUp(beforeMs: number): void {
    while ((waiting[firstWaiting]?.startMs ?? beforeMs) < beforeMs) {
      (waiting[firstWaiting] as (typeof waiting)[0]).tally.unsent += 1;
      firstWaiting += 1;
    }
    if (firstWaiting > 10_000 || firstWaiting === waiting.length) {
      waiting = waiting.slice(firstWaiting);
      firstWaiting = 0;
    }
  }

  try {
    for (const asker of askers) await asker.open();
    beganMs = performance.now();
    const seconds = phases?.reduce((sum, phase) => sum + phase.seconds, 0) ?? spec.seconds;
    const late = setTimeout(
      () => {
        if (spec.mayFail) for (const asker of askers) asker.abandon();
        else finished.reject(new Error(`${running} answers are missing`));
      },
      seconds * 1000 + answerTimeoutMs,
    );
    try {
      if (phases === null) for (const asker of askers) start(asker, performance.now(), tallies[0] as Tally);
      else {
        free.push(...askers);
        // The failure of a request ends the run before its time.
        const all = (async () => {
          for (const [at, phase] of phases.entries()) {
            // Nobody waits for what belongs to the phase before.
            giveUp(Number.POSITIVE_INFINITY);
            await runPhase(phase, tallies[at] as Tally);
          }
          while (firstWaiting < waiting.length) {
            giveUp(performance.now() - giveUpMs);
            await Bun.sleep(tickMs);
          }
          isOver = true;
          if (running === 0) finished.resolve();
        })();
        await Promise.race([all, finished.promise]);
      }
      await finished.promise;
    } finally {
      clearTimeout(late);
    }
    const tookSeconds = (performance.now() - beganMs) / 1000;
    const cpu = process.cpuUsage(cpuBefore);
    return {
      parts: tallies.map((tally, at) =>
        tally.part(phases && phases.length > 1 ? (phases[at] as Phase).seconds : tookSeconds),
      ),
      cpuUs: cpu.user + cpu.system,
      windowsP99Ms: phases ? (tallies.at(-1) as Tally).windowsP99Ms() : [],
      reasons,
    };
  } finally {
    for (const asker of askers) asker.close();
  }
}
