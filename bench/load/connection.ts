// One keep-alive connection to what is under load.

import type { Socket } from 'bun';
import { type Head, Incoming, Outgoing } from '../wire.ts';

/** Where the requests go. */
export interface Target {
  readonly port: number;
  readonly path: string;
  /** Lines such as `Authorization: Bearer …`, the same in every request. */
  readonly headers: readonly string[];
}

/** What becomes of an answer. `body` is all of it, unless it was taken in pieces. */
export interface Answerer {
  head?(head: Head): void;
  /** A piece of the answer's body, where it is not to be collected. */
  piece?(head: Head, piece: Buffer): void;
  answer(head: Head, body: Buffer): void;
  /** The connection broke; `isOwing` says whether an answer was missing. */
  broken(reason: string, isOwing: boolean): void;
}

/** The bytes of a GET that asks for the stream of a session. */
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

/** Sends a request at a time and reads its answer; connects when it has to, again where the other side closed. */
export class Connection {
  #socket: Socket<undefined> | null = null;
  #incoming: Incoming;
  #outgoing = new Outgoing();
  #head: Head | null = null;
  #pieces: Buffer[] = [];
  #isOwing = false;

  constructor(
    readonly port: number,
    readonly answerer: Answerer,
  ) {
    this.#incoming = this.#newIncoming();
  }

  /** Connects. Rejects where nothing listens. */
  async open(): Promise<void> {
    this.#incoming = this.#newIncoming();
    this.#outgoing = new Outgoing();
    this.#socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: this.port,
      socket: {
        data: (_, chunk) => {
          try {
            this.#incoming.feed(chunk);
          } catch (error) {
            this.#lost(String(error));
          }
        },
        drain: (socket) => this.#outgoing.drain(socket),
        close: () => this.#lost('the connection was closed'),
        error: (_, error) => this.#lost(error.message),
      },
    });
  }

  /** Sends `request`, of which nothing may change before the answer is there. */
  send(request: Buffer): void {
    this.#isOwing = true;
    if (this.#socket !== null) {
      this.#outgoing.send(this.#socket, request);
      return;
    }
    this.open().then(
      () => this.#socket && this.#outgoing.send(this.#socket, request),
      (error: Error) => this.#lost(error.message),
    );
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOwing = false;
    socket?.terminate();
  }

  #lost(reason: string): void {
    const wasOwing = this.#isOwing;
    const wasOpen = this.#socket !== null;
    this.close();
    if (wasOpen || wasOwing) this.answerer.broken(reason, wasOwing);
  }

  #newIncoming(): Incoming {
    return new Incoming({
      head: (head) => {
        this.#head = head;
        this.#pieces.length = 0;
        this.answerer.head?.(head);
      },
      body: (piece) => {
        if (this.answerer.piece) this.answerer.piece(this.#head as Head, piece);
        else this.#pieces.push(piece);
      },
      end: () => {
        const head = this.#head as Head;
        if (!this.#isOwing || !this.#outgoing.isEmpty) throw new Error('an answer came to no request');
        this.#isOwing = false;
        const body = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
        if (head.closes) this.close();
        this.answerer.answer(head, body);
      },
    });
  }
}
