// Requests with buffered responses: in a closed loop, or at a fixed rate that does not wait for responses.

import { Connection, post, type Target } from './connection.ts';
import { type Expectation, type Failure, firstId, firstTag, ResponseChecker, Template } from './responses.ts';
import { type PhaseResult, Tally } from './tally.ts';

/** The requests to send, and their pace. */
export interface RequestSpec {
  readonly kind: 'request';
  readonly target: Target;
  /** JSON texts of requests with the id `firstId` and the tag `firstTag`, assigned to connections in rotation. */
  readonly messages: readonly string[];
  readonly expect: Expectation;
  readonly connections: number;
  /** null: a closed loop for `seconds`. Else: these rates, one after another. */
  readonly phases: readonly Phase[] | null;
  readonly seconds: number;
  /** Whether errors are counted; otherwise the first one fails the run. */
  readonly mayFail: boolean;
}

/** A period of constant rate. */
export interface Phase {
  readonly perSecond: number;
  readonly seconds: number;
}

/** The result of a run: one part for each phase, or one for a closed loop. */
export interface RequestResult {
  readonly parts: readonly PhaseResult[];
  /** The load generator's own CPU time. */
  readonly cpuUs: number;
  /** The p99 of each `windowMs` of the last part, by the intended start of the requests. */
  readonly windowsP99Ms: readonly number[];
  /** Why the first requests failed, if they may fail. */
  readonly reasons: readonly string[];
}

/** How long after the run's end a response may still arrive. */
const responseTimeoutMs = 20_000;
/** How long a request waits for a free connection. */
const giveUpMs = 1_000;
/**
 * The grid on which requests at a fixed rate start. Timers are no finer, and late by half of it at the median; busy
 * waiting would take one of few cores from the processes under measurement.
 */
const tickMs = 1;
const maxReasons = 5;

/** A connection with its current request and that request's intended start. */
class Requester {
  readonly #connection: Connection;
  readonly #request: Template;
  readonly #checker: ResponseChecker;
  #startMs = 0;
  #tally: Tally | null = null;

  constructor(
    spec: RequestSpec,
    number: number,
    /** Called after each request, with its failure or null. */
    readonly done: (requester: Requester, tally: Tally, startMs: number, failure: Failure | null) => void,
  ) {
    const message = spec.messages[number % spec.messages.length] as string;
    this.#request = new Template(post(spec.target, message), firstId, firstTag);
    this.#checker = new ResponseChecker(spec.expect);
    this.#connection = new Connection(spec.target.port, {
      piece: (_, piece) => this.#checker.piece(piece),
      response: (head) => this.#end(this.#checker.end(head)),
      broken: (reason, isAwaiting) => {
        if (isAwaiting) this.#end({ reason, isClean: false });
      },
    });
  }

  open = () => this.#connection.open();
  close = () => this.#connection.close();

  send(index: number, startMs: number, tally: Tally): void {
    this.#startMs = startMs;
    this.#tally = tally;
    this.#request.fill(index);
    this.#checker.begin(index);
    this.#connection.send(this.#request.bytes);
  }

  /** Gives up an outstanding response. */
  abandon(): void {
    this.#connection.close();
    if (this.#tally !== null) this.#end({ reason: 'no response', isClean: false });
  }

  #end(failure: Failure | null): void {
    const tally = this.#tally as Tally;
    this.#tally = null;
    this.done(this, tally, this.#startMs, failure);
  }
}

/** Sends the requests and checks every response. Rejects on a wrong or missing one, unless the spec allows them. */
export async function sendRequests(spec: RequestSpec): Promise<RequestResult> {
  const { phases } = spec;
  const cpuBefore = process.cpuUsage();
  const finished = Promise.withResolvers<void>();
  const tallies = (phases ?? [null]).map(() => new Tally());
  const reasons: string[] = [];
  let index = 0;
  let running = 0;
  let isOver = false;
  let beganMs = 0;

  const free: Requester[] = [];
  const requesters = Array.from(
    { length: spec.connections },
    (_, number) => new Requester(spec, number, done),
  );
  const start = (requester: Requester, startMs: number, tally: Tally) => {
    running += 1;
    index += 1;
    requester.send(index, startMs, tally);
  };

  function done(requester: Requester, tally: Tally, startMs: number, failure: Failure | null): void {
    running -= 1;
    const nowMs = performance.now();
    if (failure === null) {
      tally.latenciesMs.push(nowMs - startMs);
      if (phases) tally.startsMs.push(startMs - tally.beganMs);
    } else if (!spec.mayFail) {
      finished.reject(new Error(`wrong response: ${failure.reason}`));
      return;
    } else {
      if (failure.isClean) tally.shed += 1;
      else tally.broken += 1;
      if (reasons.length < maxReasons) reasons.push(failure.reason);
    }
    if (phases === null && nowMs < beganMs + spec.seconds * 1000) start(requester, nowMs, tally);
    else next(requester);
    if (running === 0 && (phases === null || isOver)) finished.resolve();
  }

  // At a fixed rate: due requests without a free connection, oldest first.
  let waiting: { readonly startMs: number; readonly tally: Tally }[] = [];
  let firstWaiting = 0;
  function next(requester: Requester): void {
    const due = waiting[firstWaiting];
    if (due === undefined) {
      free.push(requester);
      return;
    }
    firstWaiting += 1;
    start(requester, due.startMs, due.tally);
  }

  /** Starts the requests that are due at each tick of the grid, until the phase ends. */
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
          const requester = free.pop();
          if (requester) start(requester, startMs, tally);
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
    for (const requester of requesters) await requester.open();
    beganMs = performance.now();
    const seconds = phases?.reduce((sum, phase) => sum + phase.seconds, 0) ?? spec.seconds;
    const late = setTimeout(
      () => {
        if (spec.mayFail) for (const requester of requesters) requester.abandon();
        else finished.reject(new Error(`${running} responses are missing`));
      },
      seconds * 1000 + responseTimeoutMs,
    );
    try {
      if (phases === null)
        for (const requester of requesters) start(requester, performance.now(), tallies[0] as Tally);
      else {
        free.push(...requesters);
        // A failed request ends the run early.
        const all = (async () => {
          for (const [at, phase] of phases.entries()) {
            // Requests of the previous phase are given up.
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
        tally.result(phases && phases.length > 1 ? (phases[at] as Phase).seconds : tookSeconds),
      ),
      cpuUs: cpu.user + cpu.system,
      windowsP99Ms: phases ? (tallies.at(-1) as Tally).windowsP99Ms() : [],
      reasons,
    };
  } finally {
    for (const requester of requesters) requester.close();
  }
}
