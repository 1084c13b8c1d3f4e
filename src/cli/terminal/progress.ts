import { writeSync } from 'node:fs';
import { stderrIsTerminal } from '../../observability/output.ts';

/** How often the line on a terminal is written anew. */
const drawIntervalMs = 200;
/** Elsewhere, a wait is told after this time and again each time that it has doubled. */
const firstLineMs = 3_000;
/** Longer lists of waits are cut off on the line. */
const maxColumns = 79;
const eraseLine = '\r\u001b[K';

/** Where progress is shown. */
interface ProgressTerminal {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const stderr: ProgressTerminal = {
  get isTerminal() {
    return stderrIsTerminal();
  },
  write(text) {
    try {
      writeSync(2, text);
    } catch {
      // Nobody reads it.
    }
  },
};

/**
 * Shows on stderr what is being waited for and for how long: on one line of a terminal, which is erased in the end; elsewhere in
 * plain lines, for long waits only.
 */
export class Progress {
  readonly #terminal: ProgressTerminal;
  readonly #isTerminal: boolean;
  /** What is waited for, since when, and when a plain line is due. */
  readonly #waits = new Map<symbol, { what: string | (() => string); startMs: number; lineMs: number }>();
  #timer: Timer | null = null;
  #isDrawn = false;
  #isPaused = false;

  constructor(terminal = stderr) {
    this.#terminal = terminal;
    this.#isTerminal = terminal.isTerminal;
  }

  /**
   * Shows `what` until `work` settles, and settles as it does.
   * @param what such as `connecting to github`; a function if it changes
   */
  async track<T>(what: string | (() => string), work: Promise<T>): Promise<T> {
    const wait = Symbol();
    this.#waits.set(wait, { what, startMs: performance.now(), lineMs: firstLineMs });
    this.#timer ??= setInterval(() => this.#show(), drawIntervalMs);
    try {
      return await work;
    } finally {
      this.#waits.delete(wait);
      if (this.#waits.size === 0) this.end();
    }
  }

  /** Shows nothing until `work` settles, such as a question on the terminal, and settles as it does. */
  async paused<T>(work: Promise<T>): Promise<T> {
    this.#isPaused = true;
    if (this.#isDrawn) this.#terminal.write(eraseLine);
    this.#isDrawn = false;
    try {
      return await work;
    } finally {
      this.#isPaused = false;
    }
  }

  /** Erases the line, so that something else can be printed. Tracking goes on with the next {@link track}. */
  end(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#isDrawn) this.#terminal.write(eraseLine);
    this.#isDrawn = false;
  }

  #show(): void {
    if (this.#isPaused) return;
    const nowMs = performance.now();
    const waits = [...this.#waits.values()];
    if (this.#isTerminal) {
      const oldestMs = Math.min(...waits.map(({ startMs }) => startMs));
      const time = `  ${seconds(nowMs - oldestMs)}`;
      const room = maxColumns - time.length;
      const text = waits.map(textOf).join(', ');
      const shown = text.length > room ? `${text.slice(0, room - 1)}…` : text;
      this.#terminal.write(`${eraseLine}${shown}${time}`);
      this.#isDrawn = true;
      return;
    }
    for (const wait of waits) {
      const passedMs = nowMs - wait.startMs;
      if (passedMs < wait.lineMs) continue;
      wait.lineMs *= 2;
      this.#terminal.write(`still ${textOf(wait)} after ${seconds(passedMs)}\n`);
    }
  }
}

const textOf = ({ what }: { what: string | (() => string) }) => (typeof what === 'string' ? what : what());

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}
