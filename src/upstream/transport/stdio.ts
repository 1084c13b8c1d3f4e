import type { Signal } from '../../runtime/abort.ts';
import type { UpstreamFailure } from '../failure.ts';
import type { RequestCompletion, Transport } from './transport.ts';

/** The process that a {@link StdioTransport} speaks to. */
export interface MessageProcess {
  /** Why the process is of no more use; null: it runs. */
  readonly closedBy: UpstreamFailure | null;
  /** Writes a message. Calls `done` when the process has been given it, or never will be. */
  write(body: string, done: WriteCompletion, signal: Signal): void;
  /** Ends the process. Resolves when it and its descendants have ended. */
  end(): Promise<void>;
}

/** What became of a message. */
export interface WriteCompletion {
  onWritten(): void;
  /** Nothing of it was written. */
  onUnwritten(failure: UpstreamFailure): void;
}

/**
 * MCP 2025-11-25 and 2026-07-28, Transports, stdio: one message a line, on the stdin and stdout of a process. All messages of the
 * server share its stdout.
 */
export class StdioTransport implements Transport {
  readonly name = 'stdio';
  readonly hasRequestStreams = false;
  readonly #process: MessageProcess;

  constructor(process: MessageProcess) {
    this.#process = process;
  }

  async open(): Promise<void> {
    if (this.#process.closedBy) throw this.#process.closedBy;
  }

  request(_id: number, body: string, signal: Signal, done: RequestCompletion): void {
    this.#process.write(body, new RequestWrite(done), signal);
  }

  send(body: string, signal: Signal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#process.write(body, { onWritten: resolve, onUnwritten: reject }, signal);
    });
  }

  initialized(): void {
    // Messages leave in order, so that the next one follows `notifications/initialized`.
  }

  close(): Promise<void> {
    return this.#process.end();
  }
}

class RequestWrite implements WriteCompletion {
  readonly #done: RequestCompletion;

  constructor(done: RequestCompletion) {
    this.#done = done;
  }

  onWritten(): void {
    this.#done.defer();
  }

  onUnwritten(failure: UpstreamFailure): void {
    this.#done.reject(failure);
  }
}
