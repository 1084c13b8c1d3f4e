// A bare MCP server for benchmarks, on raw sockets: it searches requests for the members it needs and parses nothing.
// Usage: bun bench/upstream.ts SPEC (JSON, an UpstreamSpec). Prints the ports of its listeners as one line of JSON,
// and exits when its stdin closes.

import type { Socket } from 'bun';
import { type Head, MessageReader, SocketWriter } from './wire.ts';

/** The servers of one upstream process. */
export interface UpstreamSpec {
  readonly listeners: readonly ListenerSpec[];
}

/** One upstream server. */
export interface ListenerSpec {
  /** `hang` accepts connections and never responds; `flap` is up for a second and down for the next. */
  readonly kind: 'healthy' | 'hang' | 'flap';
  readonly tools: number;
  /** The length of a call's result including its JSON: one for all tools, or one for each tool by its number. */
  readonly resultBytes: number | readonly number[];
  /** Events before the response, which is then a stream; 0 responds with JSON. */
  readonly events: number;
  /** The interval between events; 0 sends all of them at once. */
  readonly gapMs: number;
  /** The revision that it speaks: 2025-11-25, or 2026-07-28 and nothing older. */
  readonly era?: 'legacy' | 'modern';
  /** Whether each call asks the client for an elicitation before the answer. */
  readonly asks?: boolean;
}

/** The JSON around the text of a call's result. */
export const resultFrame = { before: '{"content":[{"type":"text","text":"', after: '"}]}' };

const flapMs = 1000;
const tagLength = 10;

interface Client {
  readonly reader: MessageReader;
  readonly writer: SocketWriter;
}

const jsonHead = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ';
const accepted = Buffer.from('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
const notAllowed = Buffer.from('HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n');
// Without X-Accel-Buffering, nginx buffers events.
const sseHead = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n',
);
const lastChunk = Buffer.from('0\r\n\r\n');
const initialized =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench-upstream","version":"1"}}';

/** The beginning of each result of the modern era. */
const complete =
  '{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"bench-upstream","version":"1"}},';
const discovered =
  '"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":300000,"cacheScope":"public"}';

/** The JSON text of the member `name` if it is a number or a string without escapes, else ''. */
export function memberOf(body: string, name: string): string {
  let at = body.indexOf(`"${name}"`);
  if (at < 0) return '';
  at = body.indexOf(':', at) + 1;
  while (body[at] === ' ') at += 1;
  let end = body[at] === '"' ? body.indexOf('"', at + 1) + 1 : at;
  if (end === at) while (end < body.length && !',} '.includes(body[end] as string)) end += 1;
  return body.slice(at, end);
}

function serve(spec: ListenerSpec): number {
  const isModern = spec.era === 'modern';
  const list = Buffer.from(
    JSON.stringify({
      ...(isModern && { ttlMs: 300_000, cacheScope: 'public' }),
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
  /** The result of the call in `body`, after its tag. */
  const fillerFor = (body: string) => {
    const tool = fillers.length === 1 ? 0 : Number(/\d+/.exec(memberOf(body, 'name'))?.[0]);
    return fillers[tool] as Buffer;
  };

  /** Responds with `before` and `rest` as the result; copies short ones, to save a system call. */
  function answer(socket: Socket<Client>, id: string, before: string, rest: Buffer): void {
    const opening = `{"jsonrpc":"2.0","id":${id},"result":${before}`;
    const start = `${jsonHead}${opening.length + rest.length + 1}\r\n\r\n${opening}`;
    const { writer } = socket.data;
    if (rest.length > 16_384) {
      writer.send(socket, Buffer.from(start));
      writer.send(socket, rest);
      writer.send(socket, Buffer.from('}'));
      return;
    }
    const bytes = Buffer.allocUnsafe(start.length + rest.length + 1);
    bytes.write(start, 0, 'latin1');
    rest.copy(bytes, start.length);
    bytes[bytes.length - 1] = 125;
    writer.send(socket, bytes);
  }

  /** The beginning of a result, with what its era adds. */
  const framed = (before: string) => (isModern ? complete + before.slice(1) : before);

  function stream(socket: Socket<Client>, id: string, tag: string, body: string): void {
    const { writer } = socket.data;
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
      writer.send(socket, Buffer.concat([sseHead, ...all]));
      return;
    }
    writer.send(socket, Buffer.concat([sseHead, event(index)]));
    const timer = setInterval(() => {
      index += 1;
      writer.send(socket, event(index));
      if (index === spec.events) clearInterval(timer);
    }, spec.gapMs);
  }

  /** The calls that wait for the answer to their question, by its id. */
  const asking = new Map<string, { readonly socket: Socket<Client>; readonly id: string }>();
  let lastQuestion = 0;
  const chunkOf = (message: string) => {
    const event = `event: message\ndata: ${message}\n\n`;
    return `${event.length.toString(16)}\r\n${event}\r\n`;
  };

  function ask(socket: Socket<Client>, id: string): void {
    const question = String(++lastQuestion);
    asking.set(question, { socket, id });
    const schema = '{"type":"object","properties":{"ok":{"type":"boolean"}}}';
    const params = `{"message":"ok?","requestedSchema":${schema}}`;
    const message = `{"jsonrpc":"2.0","id":${question},"method":"elicitation/create","params":${params}}`;
    socket.data.writer.send(socket, Buffer.concat([sseHead, Buffer.from(chunkOf(message))]));
  }

  /** The client has answered a question: its call ends. */
  function answered(question: string): void {
    const call = asking.get(question);
    asking.delete(question);
    if (!call) return;
    const result = `{"jsonrpc":"2.0","id":${call.id},"result":{"content":[{"type":"text","text":"ok"}]}}`;
    call.socket.data.writer.send(call.socket, Buffer.concat([Buffer.from(chunkOf(result)), lastChunk]));
  }

  function take(socket: Socket<Client>, head: Head, body: string): void {
    if (!head.text.startsWith('POST ')) {
      socket.data.writer.send(socket, notAllowed);
      return;
    }
    const method = memberOf(body, 'method');
    const id = memberOf(body, 'id');
    if (method === '') answered(id);
    if (id === '' || method === '') socket.data.writer.send(socket, accepted);
    else if (method === '"tools/call"') {
      const tagAt = body.indexOf('#');
      const tag = tagAt < 0 ? '#'.repeat(tagLength) : body.slice(tagAt, tagAt + tagLength);
      if (spec.asks) ask(socket, id);
      else if (spec.events > 0) stream(socket, id, tag, body);
      else answer(socket, id, framed(resultFrame.before) + tag, fillerFor(body));
    } else if (method === '"tools/list"') answer(socket, id, framed('{'), list.subarray(1));
    else if (isModern && method === '"server/discover"')
      answer(socket, id, complete + discovered, Buffer.alloc(0));
    else if (!isModern && method === '"initialize"') answer(socket, id, initialized, Buffer.alloc(0));
    else if (method === '"ping"') answer(socket, id, '{}', Buffer.alloc(0));
    else {
      const error = `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`;
      socket.data.writer.send(socket, Buffer.from(`${jsonHead}${error.length}\r\n\r\n${error}`));
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
          const reader = new MessageReader({
            head(next) {
              head = next;
              body = '';
            },
            body(piece) {
              body += piece.toString('latin1');
            },
            end: () => take(socket, head, body),
          });
          socket.data = { reader, writer: new SocketWriter() };
        },
        data(socket, chunk) {
          if (spec.kind !== 'hang') socket.data.reader.feed(chunk);
        },
        drain: (socket) => socket.data.writer.drain(socket),
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
