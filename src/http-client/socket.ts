/** What the HTTP side does with a socket. */
export interface ByteSocket {
  readonly data: { owner: SocketOwner };
  /** Takes bytes to send; returns how many it took, and asks for the rest with `drained`. Negative: it is closed. */
  write(bytes: string | Buffer): number;
  pause(): void;
  resume(): void;
  /** Closes in good order, at once. */
  close(): void;
  /** Closes at once, and lets the peer know that it was not in good order. */
  terminate(): void;
}

/** Takes what happens on a socket. */
export interface SocketOwner {
  received(bytes: Buffer): void;
  /** The socket takes more of what is to be sent. */
  drained(): void;
  /** The last thing that happens. */
  closed(error: Error | null): void;
}
