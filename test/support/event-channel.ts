/** A stream of server-sent events that a test writes to. */
export interface EventChannel {
  readonly response: Response;
  /** Writes exactly these bytes. */
  write(text: string): void;
  /** Writes a `message` event. */
  send(message: unknown): void;
  /** Ends the stream in good order. */
  end(): void;
  /** The reader disconnected, or the stream was ended. */
  readonly closed: boolean;
}

/** Opens a stream. `head` is written at once, so that the headers are sent. */
export function eventChannel(head = ': open\n\n', contentType = 'text/event-stream'): EventChannel {
  const encoder = new TextEncoder();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let closed = false;
  const body = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
    cancel() {
      closed = true;
    },
  });
  const write = (text: string) => {
    if (!closed) controller.enqueue(encoder.encode(text));
  };
  write(head);
  return {
    response: new Response(body, { headers: { 'content-type': contentType } }),
    write,
    send: (message) => write(`event: message\ndata: ${JSON.stringify(message)}\n\n`),
    end() {
      if (!closed) controller.close();
      closed = true;
    },
    get closed() {
      return closed;
    },
  };
}
