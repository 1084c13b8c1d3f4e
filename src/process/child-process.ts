import { Abort } from '../runtime/abort.ts';
import { settledOrAborted, sleep } from '../runtime/deadlines.ts';
import { descriptors } from '../runtime/descriptors.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import { StartedContainer } from './container.ts';
import { ErrorOutput } from './error-output.ts';
import { ProcessFailure } from './process-failure.ts';
import { isGroupAlive, signalGroup } from './process-group.ts';
import { processGuard } from './process-guard.ts';
import { ProcessInput } from './process-input.ts';
import { interpreterOf, type ProgramCall, resolveCommand } from './program.ts';

/** How long a process has after the end of its stdin, and then after SIGTERM, as shares of the time that it is given. */
const inputEndShare = 0.75;
/** How long the rest of the output may take to come after the process has exited, and the other way round. */
const settleMs = 500;
/** How long it may take in all, with the time to take it: descendants may go on to write. */
const maxSettleMs = 10_000;
/** How often to look whether a group has ended: at first and at last. */
const minPollMs = 5;
const maxPollMs = 80;
/** How long the system may take to end a group after SIGKILL. */
const killMs = 1_000;

/**
 * How much of a stream is read before other work has its turn. A process may write faster than it is read, and then no read waits
 * for the system, however small the parts are.
 */
const maxTurnBytes = 64 * 1024;
const maxTurnChunks = 64;

/** The files that are open while a process is started. */
const neededDescriptors = 8;

/** How a process ended: one of its members is set. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  /** The signal that ended it. */
  readonly signal: string | null;
  /** What it closed if it still runs, so that it can be of no more use. */
  readonly closed: 'stdin' | 'stdout' | null;
}

/** What a process does. */
export interface ProcessEvents {
  /** Output on stdout, which is read on when the promise has settled. The bytes are valid until then. */
  onOutput(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Its stdout has ended. Called before `onEnd`, unless a descendant keeps it open. The promise settles when all of the output has
   * been taken.
   */
  onOutputEnd(): Promise<void> | undefined;
  /** A line on stderr, which may contain secrets. */
  onErrorLine(line: string): void;
  /** So many lines on stderr were dropped. */
  onErrorLinesDropped(count: number): void;
  /** It exited, or closed its stdin or stdout. Called once, after the rest of its output. */
  onEnd(end: ProcessEnd): void;
}

/** A command to start. */
export interface ProcessCommand extends ProgramCall {
  /** The place of `run` among the arguments if the command is a container runtime, and the file for the id; else null. */
  readonly container: { readonly runAt: number; readonly idFile: string } | null;
}

/** A process in a session of its own, with its stdin, stdout and stderr. Its descendants end with it. */
export class ChildProcess {
  readonly pid: number;
  readonly input: ProcessInput;
  readonly #events: ProcessEvents;
  readonly #errors: ErrorOutput;
  readonly #process: Bun.Subprocess<'pipe', 'pipe', 'pipe'>;
  readonly #container: StartedContainer | null;
  readonly #exit = Promise.withResolvers<void>();
  readonly #outputEnd = Promise.withResolvers<void>();
  readonly #errorEnd = Promise.withResolvers<void>();
  readonly #inputEnd = Promise.withResolvers<void>();
  /** The readers of stdout and stderr. */
  readonly #readers: { cancel(): Promise<void> }[] = [];
  #hasExited = false;
  /** How many parts of stdout there were, and what settles when the last one has been taken. */
  #outputs = 0;
  #taking: Promise<void> | undefined;
  #ending: Promise<void> | null = null;
  /** When all of it must have ended, by performance.now(). */
  #endByMs = Number.POSITIVE_INFINITY;
  #endStartMs = 0;

  /** Starts the process. Throws a {@link ProcessFailure}. */
  constructor(command: ProcessCommand, events: ProcessEvents) {
    this.#events = events;
    this.#errors = new ErrorOutput({
      onLine: (line) => events.onErrorLine(line),
      onDropped: (count) => events.onErrorLinesDropped(count),
    });
    const { process: started, container } = spawn(command, () => {
      this.#hasExited = true;
      this.#exit.resolve();
    });
    this.#process = started;
    this.#container = container;
    this.pid = started.pid;
    processGuard.add(this.pid, container);
    this.input = new ProcessInput(started.stdin, () => this.#inputEnd.resolve());
    void this.#read(started.stdout, (chunk) => this.#take(events.onOutput(chunk)))
      .then(() => this.#take(events.onOutputEnd()))
      .finally(() => this.#outputEnd.resolve());
    void this.#read(started.stderr, (chunk) => this.#errors.push(chunk)).then(() => {
      this.#errors.end();
      this.#errorEnd.resolve();
    });
    void this.#watch();
  }

  /**
   * The line on stderr that best says why the process ended, or an empty text. It may contain secrets.
   * @param maxAgeMs older lines do not count, in milliseconds
   */
  explanation(maxAgeMs?: number): string {
    return this.#errors.explanation(maxAgeMs);
  }

  /**
   * Ends the process and its descendants: by the end of its stdin, then by SIGTERM, at last by SIGKILL. Resolves when they have
   * ended. May be called again to give them less time.
   *
   * @param graceMs how long they may take before SIGKILL: three quarters of it after the end of stdin, the rest after SIGTERM
   */
  end(graceMs: number): Promise<void> {
    const nowMs = performance.now();
    if (this.#ending === null) this.#endStartMs = nowMs;
    this.#endByMs = Math.min(this.#endByMs, nowMs + graceMs);
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.input.end();
    if (!(await this.#isGoneBy(inputEndShare))) {
      signalGroup(this.pid, 'SIGTERM');
      if (!(await this.#isGoneBy(1))) await this.#kill();
    }
    processGuard.remove(this.pid);
    // A descendant that has left the group may keep the pipes open.
    for (const reader of this.#readers) reader.cancel().catch(() => {});
    await this.#container?.remove();
  }

  async #kill(): Promise<void> {
    signalGroup(this.pid, 'SIGKILL');
    this.#endStartMs = performance.now();
    this.#endByMs = this.#endStartMs + killMs;
    await this.#isGoneBy(1);
  }

  /** Waits until all have ended, at most for a share of their time. Resolves to whether they have. */
  async #isGoneBy(share: number): Promise<boolean> {
    for (let pauseMs = minPollMs; ; pauseMs = Math.min(maxPollMs, 2 * pauseMs)) {
      if (this.#hasExited && !isGroupAlive(this.pid)) return true;
      const leftMs = this.#endStartMs + (this.#endByMs - this.#endStartMs) * share - performance.now();
      if (leftMs <= 0) return false;
      await Bun.sleep(Math.min(pauseMs, leftMs));
    }
  }

  /** Reports the end, which its exit and the end of its stdout may begin, in either order. */
  async #watch(): Promise<void> {
    const outputEnd = this.#outputEnd.promise.then(() => 'stdout' as const);
    const inputEnd = this.#inputEnd.promise.then(() => 'stdin' as const);
    const closed = await Promise.race([this.#exit.promise.then(() => null), outputEnd, inputEnd]);
    await this.#settled();
    const { exitCode, signalCode } = this.#process;
    const signal = signalCode === null ? null : String(signalCode);
    this.#events.onEnd({ exitCode, signal, closed: this.#hasExited ? null : closed });
  }

  /**
   * After an exit the rest of the output may still come, and an answer of some megabytes takes a while to be parsed; a process that
   * closes its stdout exits as a rule.
   */
  async #settled(): Promise<void> {
    const over = new Abort();
    const all = Promise.all([this.#exit.promise, this.#outputEnd.promise, this.#errorEnd.promise]);
    void all.then(() => over.abort());
    const endMs = performance.now() + maxSettleMs;
    let seen: number;
    do {
      seen = this.#outputs;
      if (this.#taking) await settledOrAborted(this.#taking, over, Math.max(0, endMs - performance.now()));
      await sleep(settleMs, over);
    } while (this.#hasExited && !over.aborted && this.#outputs > seen && performance.now() < endMs);
  }

  /** Notes that a part of stdout is being taken. */
  #take(taken: Promise<void> | undefined): Promise<void> | undefined {
    this.#outputs++;
    this.#taking = taken;
    return taken;
  }

  /** Reads a stream to its end, or until the process has ended. `take` gets the next chunk when its promise has settled. */
  async #read(
    stream: ReadableStream<Uint8Array>,
    take: (chunk: Uint8Array) => Promise<void> | undefined,
  ): Promise<void> {
    try {
      const reader = stream.getReader();
      this.#readers.push(reader);
      let leftBytes = maxTurnBytes;
      let leftChunks = maxTurnChunks;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        leftBytes -= value.length;
        leftChunks--;
        const taken = take(value);
        if (taken) await taken;
        if (leftBytes > 0 && leftChunks > 0) continue;
        await nextTurn();
        leftBytes = maxTurnBytes;
        leftChunks = maxTurnChunks;
      }
    } catch {
      // As if it had ended.
    }
  }
}

/** @param onExit called when the process itself has exited */
function spawn(
  command: ProcessCommand,
  onExit: () => void,
): { process: Bun.Subprocess<'pipe', 'pipe', 'pipe'>; container: StartedContainer | null } {
  const { cwd, env } = command;
  const { argv, isVerbatim } = resolveCommand(withIdFile(command));
  // Its pipes, with both ends for a moment.
  descriptors.lend(neededDescriptors);
  try {
    const started = Bun.spawn({
      cmd: [...argv],
      cwd,
      env: { ...env },
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      // A session of its own: setsid on POSIX.
      detached: process.platform !== 'win32',
      windowsHide: true,
      windowsVerbatimArguments: isVerbatim,
      onExit,
    });
    const container =
      command.container && new StartedContainer(argv[0] as string, command.container.idFile, env);
    return { process: started, container };
  } catch (error) {
    throw failureOf(error, argv[0] as string);
  }
}

function withIdFile(command: ProcessCommand): ProgramCall {
  if (command.container === null) return command;
  const { runAt, idFile } = command.container;
  const args = [...command.args];
  args.splice(runAt + 1, 0, '--cidfile', idFile);
  return { ...command, args };
}

function failureOf(error: unknown, path: string): ProcessFailure {
  const { code = 'unknown error' } = error as { code?: string };
  if (descriptors.areExhausted()) return new ProcessFailure('exhausted', descriptors.problem());
  const interpreter = code === 'ENOENT' ? interpreterOf(path) : null;
  if (interpreter !== null)
    return new ProcessFailure(
      'unstartable',
      `cannot be started: ${path} needs ${interpreter}, which is missing (ENOENT)`,
    );
  const isSettled = ['ENOENT', 'EACCES', 'ENOEXEC', 'E2BIG'].includes(code);
  return new ProcessFailure(isSettled ? 'unstartable' : 'refused', `cannot be started: ${path}: ${code}`);
}
