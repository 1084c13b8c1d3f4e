/** Streams of the fixtures, kept for clients that come back. MCP 2025-11-25, Transports, Resumability and Redelivery. */
export class EventLog {
  readonly #events: { id: string; stream: string; message: unknown }[] = [];

  async storeEvent(stream: string, message: unknown): Promise<string> {
    const id = String(this.#events.length);
    this.#events.push({ id, stream, message });
    return id;
  }

  async replayEventsAfter(
    lastId: string,
    { send }: { send: (id: string, message: never) => Promise<void> },
  ): Promise<string> {
    const last = this.#events[Number(lastId)];
    if (last === undefined) throw new Error('unknown event');
    for (const { id, stream, message } of this.#events.slice(Number(lastId) + 1))
      if (stream === last.stream) await send(id, message as never);
    return last.stream;
  }
}

/**
 * Serves `/mcp` on the port FIXTURE_PORT of the loopback interface, or on a free one, prints the URL, and refuses requests for other
 * hosts.
 */
export function serveLoopback(handle: (request: Request) => Promise<Response>): void {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: Number(process.env.FIXTURE_PORT ?? 0),
    idleTimeout: 120,
    async fetch(request) {
      const hosts = [request.headers.get('host'), originHost(request)].filter((host) => host !== null);
      if (!hosts.every((host) => /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(host)))
        return new Response('this host is not served', { status: 403 });
      return flushed(await handle(request));
    },
  });
  console.log(`http://127.0.0.1:${server.port}/mcp`);
}

function originHost(request: Request): string | null {
  const origin = request.headers.get('origin');
  return origin === null ? null : URL.canParse(origin) ? new URL(origin).host : origin;
}

/** Bun delays the head of a stream until its first chunk; Node, where these servers usually run, does not. */
function flushed(response: Response): Response {
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
    return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(': open\n\n')),
  });
  void response.body.pipeTo(writable).catch(() => undefined);
  return new Response(readable, response);
}
