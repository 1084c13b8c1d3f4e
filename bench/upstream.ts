// A bare MCP server for benchmarks, on raw sockets: it looks for what it needs in a request and parses nothing.
// Usage: bun bench/upstream.ts SPEC (JSON, an UpstreamSpec); prints the ports of its listeners as JSON on the first
// line and ends when its stdin does.

import type { Socket } from 'bun';
import { type Head, Incoming, Outgoing } from './wire.ts';

/** What the upstream's process serves. */
export interface UpstreamSpec {
  readonly listeners: readonly ListenerSpec[];
}

/** One upstream server. */
export interface ListenerSpec {
  /** `hang` takes connections and never answers; `flap` is there for a second and gone for one. */
  readonly kind: 'healthy' | 'hang' | 'flap';
  readonly tools: number;
  /** The length of a call's result, JSON included: that of all tools, or of each by its number. */
  readonly resultBytes: number | readonly number[];
  /** Events before the answer, which makes it a stream; 0 answers as JSON. */
  readonly events: number;
  /** From one event to the next; 0 sends all of them at once. */
  readonly gapMs: number;
}

/** What stands around the text of a call's result. */
export const resultFrame = { before: '{"content":[{"type":"text","text":"', after: '"}]}' };

const flapMs = 1000;
const tagLength = 10;

interface Client {
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
}

const jsonHead = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ';
const accepted = Buffer.from('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
const notAllowed = Buffer.from('HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n');
// nginx holds events back unless it is asked not to.
const sseHead = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n',
);
const lastChunk = Buffer.from('0\r\n\r\n');
const initialized =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench-upstream","version":"1"}}';

/** The JSON text of the member `name` where its value is a string without escapes or a number, or ''. */
function memberOf(body: string, name: string): string {
  let at = body.indexOf(`"${name}"`);
  if (at < 0) return '';
  at = body.indexOf(':', at) + 1;
  while (body[at] === ' ') at += 1;
  let end = body[at] === '"' ? body.indexOf('"', at + 1) + 1 : at;
  if (end === at) while (end < body.length && !',} '.includes(body[end] as string)) end += 1;
  return body.slice(at, end);
}

function serve(spec: ListenerSpec): number {
  const list = Buffer.from(
    JSON.stringify({
      tools: Array.from({ length: spec.tools }, (_, index) => ({
        name: `tool_${index}`,
        description: `The tool number ${index} of the benchmark: takes a text and answers with one of fixed size.`,
        inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
      })),
    }),
  );
  const frame = resultFrame.before.length + resultFrame.after.length;
  const fillers = [spec.resultBytes]
    .flat()
    .map((bytes) => Buffer.from('x'.repeat(bytes - frame - tagLength) + resultFrame.after));
  /** What follows the tag in the result of the call in `body`. */
  const fillerFor = (body: string) => {
    const tool = fillers.length === 1 ? 0 : Number(/\d+/.exec(memberOf(body, 'name'))?.[0]);
    return fillers[tool] as Buffer;
  };

  /** Answers with what stands in `parts`; copies them where that saves a system call. */
  function answer(socket: Socket<Client>, id: string, before: string, rest: Buffer): void {
    const opening = `{"jsonrpc":"2.0","id":${id},"result":${before}`;
    const start = `${jsonHead}${opening.length + rest.length + 1}\r\n\r\n${opening}`;
    const { outgoing } = socket.data;
    if (rest.length > 16_384) {
      outgoing.send(socket, Buffer.from(start));
      outgoing.send(socket, rest);
      outgoing.send(socket, Buffer.from('}'));
      return;
    }
    const bytes = Buffer.allocUnsafe(start.length + rest.length + 1);
    bytes.write(start, 0, 'latin1');
    rest.copy(bytes, start.length);
    bytes[bytes.length - 1] = 125;
    outgoing.send(socket, bytes);
  }

  function stream(socket: Socket<Client>, id: string, tag: string, body: string): void {
    const { outgoing } = socket.data;
    const token = memberOf(body, 'progressToken') || 'null';
    const filler = fillerFor(body);
    const chunk = (message: string) => {
      const event = `event: message\ndata: ${message}\n\n`;
      return Buffer.from(`${event.length.toString(16)}\r\n${event}\r\n`);
    };
    const event = (index: number) =>
      index < spec.events
        ? chunk(
            `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${index + 1}}}`,
          )
        : Buffer.concat([
            chunk(
              `{"jsonrpc":"2.0","id":${id},"result":${resultFrame.before}${tag}${filler.toString('latin1')}}`,
            ),
            lastChunk,
          ]);
    let index = 0;
    if (spec.gapMs === 0) {
      const all = Array.from({ length: spec.events + 1 }, (_, index) => event(index));
      outgoing.send(socket, Buffer.concat([sseHead, ...all]));
      return;
    }
    outgoing.send(socket, Buffer.concat([sseHead, event(index)]));
    const timer = setInterval(() => {
      index += 1;
      outgoing.send(socket, event(index));
      if (index === spec.events) clearInterval(timer);
    }, spec.gapMs);
  }

  function take(socket: Socket<Client>, head: Head, body: string): void {
    if (!head.text.startsWith('POST ')) {
      socket.data.outgoing.send(socket, notAllowed);
      return;
    }
    const method = memberOf(body, 'method');
    const id = memberOf(body, 'id');
    if (id === '') socket.data.outgoing.send(socket, accepted);
    else if (method === '"tools/call"') {
      const tagAt = body.indexOf('#');
      const tag = tagAt < 0 ? '#'.repeat(tagLength) : body.slice(tagAt, tagAt + tagLength);
      if (spec.events > 0) stream(socket, id, tag, body);
      else answer(socket, id, resultFrame.before + tag, fillerFor(body));
    } else if (method === '"tools/list"') answer(socket, id, '', list);
    else if (method === '"initialize"') answer(socket, id, initialized, Buffer.alloc(0));
    else if (method === '"ping"') answer(socket, id, '{}', Buffer.alloc(0));
    else {
      const error = `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`;
      socket.data.outgoing.send(socket, Buffer.from(`${jsonHead}${error.length}\r\n\r\n${error}`));
    }
  }

  const sockets = new Set<Socket<Client>>();
  const listen = (port: number) =>
    Bun.listen<Client>({
      hostname: '127.0.0.1',
      port,
      socket: {
        open(socket) {
          sockets.add(socket);
          let head: Head;
          let body = '';
          const incoming = new Incoming({
            head(next) {
              head = next;
              body = '';
            },
            body(piece) {
              body += piece.toString('latin1');
            },
            end: () => take(socket, head, body),
          });
          socket.data = { incoming, outgoing: new Outgoing() };
        },
        data(socket, chunk) {
          if (spec.kind !== 'hang') socket.data.incoming.feed(chunk);
        },
        drain: (socket) => socket.data.outgoing.drain(socket),
        close: (socket) => void sockets.delete(socket),
        error() {},
      },
    });

  let listener: ReturnType<typeof listen> | null = listen(0);
  const { port } = listener;
  if (spec.kind === 'flap') {
    setInterval(() => {
      listener?.stop(true);
      for (const socket of sockets) socket.terminate();
      listener = listener === null ? listen(port) : null;
    }, flapMs);
  }
  return port;
}

if (import.meta.main) {
  const { listeners } = JSON.parse(process.argv[2] as string) as UpstreamSpec;
  console.log(JSON.stringify(listeners.map(serve)));
  process.stdin.on('end', () => process.exit(0)).resume();
}
