/** A connected socket, of Bun or of Node. */
export interface ByteSocket {
  readonly data: { owner: SocketOwner };
  /** Sends bytes. Returns how many were accepted, negative if it is closed; `drained` asks for the rest. */
  write(bytes: string | Buffer): number;
  pause(): void;
  resume(): void;
  /** Closes in good order. */
  close(): void;
  /** Resets the connection. */
  terminate(): void;
}

/** Callbacks of a socket. */
export interface SocketOwner {
  received(bytes: Buffer): void;
  /** The socket accepts more bytes. */
  drained(): void;
  /** Called last. */
  closed(error: Error | null): void;
}
