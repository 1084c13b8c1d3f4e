import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A balancer that spreads requests over its backends, and keeps a client that returns its cookie on one of them. */
interface StickyBalancer extends AsyncDisposable {
  readonly url: string;
  /** The method, cookie and backend of each request. */
  readonly passed: readonly { method: string; cookie: string | undefined; backend: number }[];
}

/** Starts a balancer in front of servers on these loopback ports. */
export async function stickyBalancer(...ports: number[]): Promise<StickyBalancer> {
  const passed: { method: string; cookie: string | undefined; backend: number }[] = [];
  let turn = 0;
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { cookie } = incoming.headers;
    const named = /(?:^|; )SERVERID=b(\d)(?:;|$)/.exec(cookie ?? '')?.[1];
    const backend = named === undefined ? turn++ % ports.length : Number(named);
    passed.push({ method: incoming.method ?? '', cookie, backend });
    const onward = request(
      {
        host: '127.0.0.1',
        port: ports[backend],
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      },
      (response) => {
        const cookies = [
          `SERVERID=b${backend}; path=/; HttpOnly`,
          'route=x; Expires=Fri, 01 Jan 2100 00:00:00 GMT',
        ];
        outgoing.writeHead(response.statusCode ?? 502, {
          ...response.headers,
          ...(named === undefined && { 'set-cookie': cookies }),
        });
        outgoing.flushHeaders();
        response.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    passed,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
