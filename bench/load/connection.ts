// One keep-alive connection to the gateway under load.

import type { Socket } from 'bun';
import { type Head, MessageReader, SocketWriter } from '../wire.ts';

/** The endpoint of the requests. */
export interface Target {
  readonly port: number;
  readonly path: string;
  /** Header lines of every request, such as `Authorization: Bearer …`. */
  readonly headers: readonly string[];
}

/** Callbacks for responses. `body` is the whole body, unless `piece` is defined. */
export interface ResponseHandler {
  head?(head: Head): void;
  /** A piece of the body, which is then not collected. */
  piece?(head: Head, piece: Buffer): void;
  response(head: Head, body: Buffer): void;
  /** The connection broke; `isAwaiting` says whether a response was outstanding. */
  broken(reason: string, isAwaiting: boolean): void;
}

/** The bytes of a GET that opens a session's stream. */
export function get(target: Target): Buffer {
  const headers = [
    `GET ${target.path} HTTP/1.1`,
    `Host: 127.0.0.1:${target.port}`,
    'Accept: text/event-stream',
    ...target.headers,
  ];
  return Buffer.from(`${headers.join('\r\n')}\r\n\r\n`);
}

/** The bytes of a DELETE that ends the session of `target`. */
export function del(target: Target): Buffer {
  const headers = [`DELETE ${target.path} HTTP/1.1`, `Host: 127.0.0.1:${target.port}`, ...target.headers];
  return Buffer.from(`${headers.join('\r\n')}\r\n\r\n`);
}

/** The bytes of a POST of `message` to `target`. */
export function post(target: Target, message: string): Buffer {
  const headers = [
    `POST ${target.path} HTTP/1.1`,
    `Host: 127.0.0.1:${target.port}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${Buffer.byteLength(message)}`,
    ...target.headers,
  ];
  return Buffer.from(`${headers.join('\r\n')}\r\n\r\n${message}`);
}

/** Sends one request at a time and reads its response. Connects on demand, and again after the peer has closed. */
export class Connection {
  #socket: Socket<undefined> | null = null;
  #reader: MessageReader;
  #writer = new SocketWriter();
  #head: Head | null = null;
  #pieces: Buffer[] = [];
  #isAwaiting = false;

  constructor(
    readonly port: number,
    readonly handler: ResponseHandler,
  ) {
    this.#reader = this.#newReader();
  }

  /** Connects. Rejects if nothing listens. */
  async open(): Promise<void> {
    this.#reader = this.#newReader();
    this.#writer = new SocketWriter();
    this.#socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: this.port,
      socket: {
        data: (_, chunk) => {
          try {
            this.#reader.feed(chunk);
          } catch (error) {
            this.#lost(String(error));
          }
        },
        drain: (socket) => this.#writer.drain(socket),
        close: () => this.#lost('connection closed'),
        error: (_, error) => this.#lost(error.message),
      },
    });
  }

  /** Sends `request`, which must not change until its response has arrived. */
  send(request: Buffer): void {
    this.#isAwaiting = true;
    if (this.#socket !== null) {
      this.#writer.send(this.#socket, request);
      return;
    }
    this.open().then(
      () => this.#socket && this.#writer.send(this.#socket, request),
      (error: Error) => this.#lost(error.message),
    );
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#isAwaiting = false;
    socket?.terminate();
  }

  #lost(reason: string): void {
    const wasAwaiting = this.#isAwaiting;
    const wasOpen = this.#socket !== null;
    this.close();
    if (wasOpen || wasAwaiting) this.handler.broken(reason, wasAwaiting);
  }

  #newReader(): MessageReader {
    return new MessageReader({
      head: (head) => {
        this.#head = head;
        this.#pieces.length = 0;
        this.handler.head?.(head);
      },
      body: (piece) => {
        if (this.handler.piece) this.handler.piece(this.#head as Head, piece);
        else this.#pieces.push(piece);
      },
      end: () => {
        const head = this.#head as Head;
        if (!this.#isAwaiting || !this.#writer.isEmpty) throw new Error('response without a request');
        this.#isAwaiting = false;
        const body = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
        if (head.closes) this.close();
        this.handler.response(head, body);
      },
    });
  }
}
