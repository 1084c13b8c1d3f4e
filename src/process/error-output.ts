import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { forEachInShortTurns } from '../runtime/event-loop.ts';
import { OwnedBytes } from '../runtime/owned-bytes.ts';
import { type Line, LineSplitter, OverlongLine } from './line-splitter.ts';

/** Longer lines are cut. */
const maxLineBytes = 8 * 1024;
/** The last lines that are kept. */
const maxKeptLines = 30;
/** Of further lines in a period, only the number is reported. */
const maxLinesInPeriod = 200;
const periodMs = 10_000;

/** Words of a line that says why a program ended. */
const explains =
  /error|exception|fatal|panic|cannot|can't|could not|unable|not found|no such|missing|required|denied|refused|failed|invalid|usage/i;
/** Lines that follow the explanation: frames of a stack, and what Node and Python add. */
const isFrame = /^\s*(?:at |File "|\^|~|Node\.js v\d|Bun v\d|npm (?:error|ERR!) A complete log|\}|\]|\))/;

/** What takes the lines of {@link ErrorOutput}. */
interface ErrorLineEvents {
  /** A line, perhaps cut. It may contain secrets. */
  onLine(line: string): void;
  /** So many lines were dropped because there were too many. */
  onDropped(count: number): void;
}

/** The stderr of a process: it is read to its end, passed on in bounds, and its last lines are kept to explain the end of the process. */
export class ErrorOutput {
  readonly #events: ErrorLineEvents;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #splitter = new LineSplitter(maxLineBytes);
  readonly #takeLine = (line: Line) => this.#take(textOf(line));
  readonly #last: { readonly line: string; readonly atMs: number }[] = [];
  #periodStartMs = Number.NEGATIVE_INFINITY;
  #linesInPeriod = 0;
  #dropped = 0;

  constructor(events: ErrorLineEvents, clock: Pick<Clock, 'nowMs'> = deadlines.clock) {
    this.#events = events;
    this.#clock = clock;
  }

  /** Takes a part of the stream. The next one should come when the promise has settled. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    return forEachInShortTurns(this.#splitter.push(chunk), this.#takeLine);
  }

  /** The stream has ended. */
  end(): void {
    const last = this.#splitter.end();
    if (last !== null) this.#take(textOf(last));
    this.#reportDropped();
  }

  /**
   * The line that best says why the process ended, or an empty text. It may contain secrets.
   * @param maxAgeMs older lines do not count, in milliseconds
   */
  explanation(maxAgeMs = Number.POSITIVE_INFINITY): string {
    const sinceMs = this.#clock.nowMs() - maxAgeMs;
    const lines = this.#last
      .filter(({ line, atMs }) => atMs >= sinceMs && !isFrame.test(line))
      .map(({ line }) => line);
    return (lines.findLast((line) => explains.test(line)) ?? lines.at(-1) ?? '').trim();
  }

  #take(line: string): undefined {
    if (line.trim() === '') return;
    const nowMs = this.#clock.nowMs();
    this.#last.push({ line, atMs: nowMs });
    if (this.#last.length > maxKeptLines) this.#last.shift();
    if (nowMs - this.#periodStartMs >= periodMs) {
      this.#reportDropped();
      this.#periodStartMs = nowMs;
      this.#linesInPeriod = 0;
    }
    this.#linesInPeriod++;
    if (this.#linesInPeriod > maxLinesInPeriod) this.#dropped++;
    else this.#events.onLine(line);
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#events.onDropped(count);
  }
}

function textOf(line: Line): string {
  if (line instanceof OverlongLine) return `${line.head}…`;
  if (!(line instanceof OwnedBytes)) return Buffer.from(line).toString();
  const text = line.toString();
  line.free();
  return text;
}
