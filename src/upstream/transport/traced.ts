import { type MessageLog, sizeOf } from '../../protocol/message-log.ts';
import { type Message, parseMessage, type ResponseMessage } from '../../protocol/messages.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { UpstreamFailure } from '../failure.ts';
import type {
  RequestCompletion,
  RequestHeaders,
  Transport,
  TransportEvents,
  TransportSource,
} from './transport.ts';

/** The same source, with each message of its transports logged. */
export function traced(source: TransportSource, log: MessageLog): TransportSource {
  return (events) => new TracedTransport(source(new TracedEvents(events, log)), log);
}

class TracedTransport implements Transport {
  readonly #transport: Transport;
  readonly #log: MessageLog;

  constructor(transport: Transport, log: MessageLog) {
    this.#transport = transport;
    this.#log = log;
  }

  get name(): string {
    return this.#transport.name;
  }
  get hasRequestStreams(): boolean {
    return this.#transport.hasRequestStreams;
  }

  open(signal: Signal): Promise<void> {
    return this.#transport.open(signal);
  }

  request(id: number, body: string, signal: Signal, done: RequestCompletion, headers?: RequestHeaders): void {
    this.#logSent(body);
    this.#transport.request(id, body, signal, new TracedCompletion(done, this.#log), headers);
  }

  send(body: string, signal: Signal): Promise<void> {
    this.#logSent(body);
    return this.#transport.send(body, signal);
  }

  initialized(protocolVersion: string): void {
    this.#transport.initialized(protocolVersion);
  }

  close(terminate: boolean, signal: Signal): Promise<void> {
    return this.#transport.close(terminate, signal);
  }

  #logSent(body: string): void {
    this.#log.message('to upstream', parseMessage(body), body.length);
  }
}

class TracedCompletion implements RequestCompletion {
  readonly #done: RequestCompletion;
  readonly #log: MessageLog;

  constructor(done: RequestCompletion, log: MessageLog) {
    this.#done = done;
    this.#log = log;
  }

  begin(): void {
    this.#done.begin();
  }

  defer(): void {
    this.#done.defer();
  }

  resolve(answer: ResponseMessage): void {
    this.#log.message('from upstream', answer, sizeOf(answer));
    this.#done.resolve(answer);
  }

  reject(reason: unknown): void {
    this.#done.reject(reason);
  }
}

class TracedEvents implements TransportEvents {
  readonly #events: TransportEvents;
  readonly #log: MessageLog;

  constructor(events: TransportEvents, log: MessageLog) {
    this.#events = events;
    this.#log = log;
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    this.#log.message('from upstream', message, sizeOf(message));
    return this.#events.onMessage(message, requestId);
  }

  onClosed(error: Error): void {
    this.#events.onClosed(error);
  }

  onSuspect(): void {
    this.#events.onSuspect();
  }

  onDeaf(failure: UpstreamFailure): void {
    this.#events.onDeaf(failure);
  }
}
