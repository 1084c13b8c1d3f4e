import type { Logger } from '../../observability/log.ts';
import { serverOutputMessage } from '../../observability/log-lines.ts';
import {
  ChildProcess,
  type ProcessCommand,
  type ProcessEnd,
  type ProcessEvents,
} from '../../process/child-process.ts';
import type { Message } from '../../protocol/messages.ts';
import type { Signal } from '../../runtime/abort.ts';
import { cancelled, UpstreamFailure } from '../failure.ts';
import { freeMessages } from '../transport/parse-messages.ts';
import type { MessageProcess, WriteCompletion } from '../transport/stdio.ts';
import type { TransportEvents } from '../transport/transport.ts';
import { type LineEvents, MessageLines } from './message-lines.ts';

/** How long a process may take to end: three seconds after the end of its stdin, one more after SIGTERM. */
export const endGraceMs = 4_000;

/** What a process wrote longer ago, such as a complaint at its start, does not explain its end. */
const lastWordsMs = 60_000;
/** How long the descendants of a process that ended by itself may take. */
const leftoverGraceMs = 1_000;

/** The bytes of messages, in both directions. */
export interface MessageBytes {
  sent: number;
  received: number;
}

/** The log of a process. */
export type ProcessLogger = Pick<Logger, 'debug' | 'info' | 'warn'>;

/** What a connection needs of its owner. */
interface ConnectionParts {
  readonly server: string;
  readonly logger: ProcessLogger;
  readonly bytes: MessageBytes;
  /** Makes words of the process fit to be shown. */
  quote(text: string): string;
  /** The process has ended. `isAsked`: the gateway ended it. */
  onEnd(connection: StdioConnection, end: ProcessEnd, isAsked: boolean): void;
}

/** A server's process, and the messages on its stdin and stdout. */
export class StdioConnection implements MessageProcess, ProcessEvents, LineEvents {
  readonly #parts: ConnectionParts;
  readonly #process: ChildProcess;
  readonly #lines = new MessageLines(this);
  readonly #logged = new Set<string>();
  /** What takes the messages; null: they are dropped. */
  #receiver: TransportEvents | null = null;
  #closedBy: UpstreamFailure | null = null;
  /** Resolves when the process has ended; null: nobody ends it. */
  ending: Promise<void> | null = null;

  /** Starts the process. Throws a `ProcessFailure`. */
  constructor(command: ProcessCommand, parts: ConnectionParts) {
    this.#parts = parts;
    this.#process = new ChildProcess(command, this);
    parts.logger.debug('process started', { server: parts.server, pid: this.pid });
  }

  get pid(): number {
    return this.#process.pid;
  }
  get closedBy(): UpstreamFailure | null {
    return this.#closedBy;
  }

  /** Makes `events` take the messages from now on, instead of an earlier receiver. */
  attach(events: TransportEvents): void {
    this.#receiver = events;
  }

  write(body: string, done: WriteCompletion, signal: Signal): void {
    if (this.#closedBy) {
      done.onUnwritten(new UpstreamFailure('refused', this.#closedBy.message));
      return;
    }
    // Line breaks between the tokens of JSON: in its strings there are none.
    const line = /[\r\n]/.test(body) ? body.replace(/[\r\n]/g, ' ') : body;
    this.#process.input.write(`${line}\n`, new MessageWrite(done, signal, this), signal);
    this.#parts.bytes.sent += line.length + 1;
  }

  /** The failure of a message of which nothing was written. */
  unwritten(reason: 'full' | 'closed' | 'aborted', signal: Signal): UpstreamFailure {
    if (reason === 'aborted') return signal.reason instanceof UpstreamFailure ? signal.reason : cancelled();
    if (reason === 'full')
      return new UpstreamFailure('busy', 'does not read its stdin, and too much waits for it');
    return new UpstreamFailure('refused', this.#closedBy?.message ?? 'is being ended');
  }

  /** @param graceMs how long it may take to end; a further call can shorten it */
  end(graceMs = endGraceMs): Promise<void> {
    this.ending = this.#process.end(graceMs);
    return this.ending;
  }

  /**
   * What the process says on stderr about its end, fit to be shown, in quotes; or an empty text.
   * @param maxAgeMs older lines do not count, in milliseconds
   */
  explanation(maxAgeMs?: number): string {
    const words = this.#parts.quote(this.#process.explanation(maxAgeMs));
    return words === '' ? '' : `: "${words}"`;
  }

  onOutput(chunk: Uint8Array): Promise<void> | undefined {
    this.#parts.bytes.received += chunk.length;
    return this.#lines.push(chunk);
  }

  onOutputEnd(): Promise<void> | undefined {
    return this.#lines.end();
  }

  onErrorLine(line: string): void {
    const { logger, server } = this.#parts;
    logger.info(serverOutputMessage, { server, line });
  }

  onErrorLinesDropped(count: number): void {
    const { logger, server } = this.#parts;
    logger.info('lines on stderr of the server were dropped: they are too many', { server, count });
  }

  onEnd(end: ProcessEnd): void {
    const failure = new UpstreamFailure('ended', `${wordsFor(end)}${this.explanation(lastWordsMs)}`);
    this.#closedBy = failure;
    this.#parts.logger.debug('process ended', { server: this.#parts.server, pid: this.pid, ...end });
    // First, so that messages of which nothing was written fail as such.
    this.#process.input.end();
    const isAsked = this.ending !== null;
    this.#parts.onEnd(this, end, isAsked);
    this.#receiver?.onClosed(failure);
    // Descendants may be left.
    if (!isAsked) void this.end(leftoverGraceMs);
  }

  onMessage(message: Message): void {
    if (this.#receiver === null || this.#closedBy) freeMessages([message]);
    // Not awaited: a client that does not read must not keep the others from their answers.
    else void this.#receiver.onMessage(message, null);
  }

  onNoise(line: string): void {
    if (/^\s*(?:[{[]\s*$|"(?:jsonrpc|id|method|params|result|error)"\s*:)/.test(line))
      this.#logOnce(
        'warn',
        'the server writes messages of several lines, which are skipped: each must be on a line of its own',
      );
    else
      this.#logOnce('info', 'the server writes lines to stdout that are no messages; they are skipped', line);
  }

  onLossyLine(): void {
    this.#logOnce('warn', 'the server writes bytes that are not UTF-8; they are replaced');
  }

  onSkippedLine(bytes: number, isAnswer: boolean): void {
    const what =
      'a line of the server was skipped: it is too long, or too much for the gateway at the moment';
    this.#parts.logger.warn(what, { server: this.#parts.server, bytes, call_failed: isAnswer });
  }

  /** @param line an example, which may contain secrets */
  #logOnce(level: 'info' | 'warn', what: string, line?: string): void {
    if (this.#logged.has(what)) return;
    this.#logged.add(what);
    const { logger, server, quote } = this.#parts;
    logger[level](what, { server, ...(line !== undefined && { line: quote(line) }) });
  }
}

class MessageWrite {
  readonly #done: WriteCompletion;
  readonly #signal: Signal;
  readonly #connection: StdioConnection;

  constructor(done: WriteCompletion, signal: Signal, connection: StdioConnection) {
    this.#done = done;
    this.#signal = signal;
    this.#connection = connection;
  }

  onWritten(): void {
    this.#done.onWritten();
  }

  onUnwritten(reason: 'full' | 'closed' | 'aborted'): void {
    this.#done.onUnwritten(this.#connection.unwritten(reason, this.#signal));
  }
}

function wordsFor({ exitCode, signal, closed }: ProcessEnd): string {
  if (closed !== null) return `closed its ${closed}`;
  return signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`;
}
