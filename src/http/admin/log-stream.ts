import type { EventStream } from '../../downstream/event-stream.ts';
import type { LogHistory } from '../../observability/log-history.ts';
import { sseMessage } from '../../protocol/sse-codec.ts';
import type { AdminStreams } from './admin-streams.ts';

/** The lines that wait for a client which reads slowly. More end its stream. */
const maxWaitingChars = 1_048_576;
const commentHead = ': ';

/** The lines that a request asks for. */
export interface LogSelection {
  /** Lines about one server; null: all lines. */
  readonly server: string | null;
  /** How many of the last lines. */
  readonly count: number;
}

/** The last lines of the log as events. */
export function lastLines(logs: LogHistory, { server, count }: LogSelection): string {
  return logs
    .last(count, server)
    .map((text) => sseMessage(text))
    .join('');
}

/** The last lines of the log, and those that follow; null: there are too many streams. */
export function followLog(
  logs: LogHistory,
  selection: LogSelection,
  streams: AdminStreams,
): EventStream | null {
  const stream = streams.open(() => tail.close());
  if (stream === null) return null;
  const tail = new LogTail(stream, logs, selection.server);
  stream.begin(lastLines(logs, selection));
  return stream;
}

/** The end of the log, as one client reads it. */
class LogTail {
  readonly #stream: EventStream;
  readonly #unfollow: () => void;
  #waiting: string[] = [];
  #waitingChars = 0;
  /** Whether the client has not taken all that was sent. */
  #isBehind = false;
  #dropped = 0;

  constructor(stream: EventStream, logs: LogHistory, server: string | null) {
    this.#stream = stream;
    this.#unfollow = logs.follow((text, about) => {
      if (server === null || server === about) this.#add(text);
    });
  }

  close(): void {
    this.#unfollow();
    this.#waiting = [];
  }

  #add(text: string): void {
    if (!this.#isBehind) this.#send(text);
    else if (this.#dropped > 0 || this.#waitingChars + text.length > maxWaitingChars) this.#dropped++;
    else {
      this.#waiting.push(text);
      this.#waitingChars += text.length;
    }
  }

  #send(text: string): void {
    const taken = this.#stream.send(text);
    if (taken === undefined) return;
    this.#isBehind = true;
    void taken.then(() => this.#catchUp());
  }

  #catchUp(): void {
    this.#isBehind = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    for (const [index, text] of waiting.entries()) {
      this.#send(text);
      if (!this.#isBehind) continue;
      this.#waiting = [...waiting.slice(index + 1), ...this.#waiting];
      this.#waitingChars = this.#waiting.reduce((sum, { length }) => sum + length, 0);
      return;
    }
    if (this.#dropped === 0) return;
    // A gap would look like silence.
    this.#unfollow();
    void this.#stream.send(`${this.#dropped} lines were dropped: they were not read in time`, commentHead);
    this.#stream.close();
  }
}
