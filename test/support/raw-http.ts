import { connect, type Socket } from 'node:net';
import { waitUntil, within } from './wait.ts';

/** An HTTP response on a raw connection. */
interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Decoded if it was chunked. */
  readonly body: string;
}

/** A TCP connection to an HTTP server, for requests of arbitrary bytes. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  /** Writes bytes; a text as UTF-8. */
  write(bytes: string | Uint8Array): void;
  /** Reads one whole response; later bytes remain for the next call. */
  answer(options?: { head?: boolean }): Promise<RawAnswer>;
  /** Waits until the unread bytes contain `text`. */
  received(text: string): Promise<string>;
  /** Resolves when the server has closed the connection. */
  closed(): Promise<void>;
}

/** Connects to the server at `origin`. */
export async function rawConnection(origin: string): Promise<RawConnection> {
  const { hostname, port } = new URL(origin);
  let bytes: Buffer = Buffer.alloc(0);
  let fresh: Buffer[] = [];
  let open = true;
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
  socket.on('data', (chunk) => {
    fresh.push(Buffer.from(chunk));
  });
  // An error is followed by `close`, which tests wait for.
  socket.on('error', () => {});
  socket.on('close', () => {
    open = false;
  });
  await within('a connection', new Promise<void>((resolve) => socket.once('connect', resolve)));

  /** The unread bytes. Joined on demand, so that the cost of a long response is linear. */
  const unread = (): Buffer => {
    if (fresh.length > 0) bytes = Buffer.concat([bytes, ...fresh]);
    fresh = [];
    return bytes;
  };
  const take = (head: boolean): RawAnswer | undefined => {
    const parsed = parseAnswer(unread(), head, !open);
    if (!parsed) return undefined;
    bytes = bytes.subarray(parsed.length);
    return parsed.answer;
  };
  return {
    socket,
    write: (text) => void socket.write(text),
    answer: async ({ head = false } = {}) =>
      (await waitUntil(`an HTTP answer`, () => take(head))) as RawAnswer,
    received: async (text) => {
      await waitUntil(`${JSON.stringify(text)} in what was received`, () => unread().includes(text));
      return bytes.toString();
    },
    closed: async () => {
      await waitUntil('the end of the connection', () => !open);
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Sends one request on a connection of its own. `lines` are its request line and headers. */
export async function rawRequest(
  origin: string,
  lines: readonly string[],
  body: string | Uint8Array = '',
): Promise<RawAnswer> {
  using connection = await rawConnection(origin);
  connection.write(`${lines.join('\r\n')}\r\n\r\n`);
  connection.write(body);
  return await connection.answer({ head: lines[0]?.startsWith('HEAD ') === true });
}

function parseAnswer(bytes: Buffer, head: boolean, ended: boolean) {
  // `100 Continue` is not the response.
  const begin = bytes.indexOf('HTTP/1.1 100 ') === 0 ? bytes.indexOf('\r\n\r\n') + 4 : 0;
  const headEnd = bytes.indexOf('\r\n\r\n', begin);
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', begin, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  const headers = new Headers(lines.map((line) => splitOnce(line)));
  const start = headEnd + 4;
  const made = (body: string, end: number) => ({ answer: { status, headers, body }, length: end });
  if (head || status === 204 || status === 304) return made('', start);
  if (headers.get('transfer-encoding') === 'chunked') {
    let at = start;
    const chunks: Buffer[] = [];
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (bytes.length < next) return undefined;
      if (size === 0) return made(Buffer.concat(chunks).toString(), next);
      chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = next;
    }
  }
  const declared = headers.get('content-length');
  if (declared === null) return ended ? made(bytes.toString('utf8', start), bytes.length) : undefined;
  const end = start + Number(declared);
  return bytes.length < end ? undefined : made(bytes.toString('utf8', start, end), end);
}

function splitOnce(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
