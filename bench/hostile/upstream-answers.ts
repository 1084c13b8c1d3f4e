// Answers that an upstream may give, of up to 64 MB on the wire, and each meant to cost the gateway far more.

import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Random, randomJson } from '../../test/support/random.ts';

/** What an upstream is let send. */
const maxAnswerBytes = 64 * 1024 * 1024;
/** A little less, where the gateway's own bound of one answer would end it early. */
const largeBytes = 60 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

/** A whole HTTP response, made when its turn comes; `id` is the JSON text of the request's id. */
export interface HostileAnswer {
  readonly name: string;
  /** The request that it answers. */
  readonly to: 'tools/call' | 'tools/list' | 'initialize';
  /** How many calls meet it at the same time; one where unset. */
  readonly calls?: number;
  make(id: string): Generator<Buffer, void>;
}

const json = 'Content-Type: application/json';
const events = 'Content-Type: text/event-stream';

/** A response with a length. */
function* whole(body: Buffer | string, headers = json, status = '200 OK'): Generator<Buffer, void> {
  const bytes = Buffer.from(body as string);
  yield Buffer.from(`HTTP/1.1 ${status}\r\n${headers}\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  yield bytes;
}

/** A response that ends with its connection: `head`, then `unit` as often as it fits into `bytes`, then `tail`. */
function* repeated(
  headers: string,
  head: string,
  unit: string,
  tail: string,
  bytes = largeBytes,
): Generator<Buffer, void> {
  yield Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\nConnection: close\r\n\r\n${head}`);
  const perPiece = Math.max(1, Math.floor(pieceBytes / Buffer.byteLength(unit)));
  const piece = Buffer.from(unit.repeat(perPiece));
  for (let sent = piece.length; sent < bytes; sent += piece.length) yield piece;
  yield Buffer.from(unit.replace(/,$/, '') + tail);
}

/** The JSON text of an answer around something that is repeated. */
function around(id: string, result: string): { head: string; tail: string } {
  const [head = '', tail = ''] = result.split('…');
  return { head: `{"jsonrpc":"2.0","id":${id},"result":${head}`, tail: `${tail}}` };
}

/** An answer in JSON whose `…` is `unit`, repeated. */
function inResult(name: string, result: string, unit: string, bytes = largeBytes): HostileAnswer {
  const make = (id: string) => {
    const { head, tail } = around(id, result);
    return repeated(json, head, unit, tail, bytes);
  };
  return { name, to: 'tools/call', make };
}

/** A stream of events whose last one is the answer. */
function inStream(name: string, unit: string, bytes = largeBytes): HostileAnswer {
  const make = (id: string) =>
    repeated(events, '', unit, `\n\ndata: {"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n\n`, bytes);
  return { name, to: 'tools/call', make };
}

/** A list of tools: `…` stands for the tools. */
function inList(name: string, list: string, unit: string, bytes = largeBytes): HostileAnswer {
  return { ...inResult(name, list, unit, bytes), to: 'tools/list' };
}

/** A small body that becomes a large one. */
function bomb(encoding: string, compress: (body: Buffer) => Buffer): HostileAnswer {
  const make = () =>
    whole(compress(Buffer.alloc(512 * 1024 * 1024, ' ')), `${json}\r\nContent-Encoding: ${encoding}`);
  return { name: `512 MB of blanks as ${encoding}`, to: 'tools/call', calls: 10, make };
}

function* tinyChunks(id: string): Generator<Buffer, void> {
  yield Buffer.from(`HTTP/1.1 200 OK\r\n${json}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const text = `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`;
  const piece = Buffer.from('1\r\n \r\n'.repeat(pieceBytes / 8));
  for (let sent = 0; sent < largeBytes; sent += piece.length) yield piece;
  yield Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
}

const shortText = '{"type":"text","text":"abc"},';

export const upstreamAnswers: readonly HostileAnswer[] = [
  inResult('an error result of short texts', '{"isError":true,"content":[…]}', shortText),
  inResult(
    'an error result of escapes',
    '{"isError":true,"content":[{"type":"text","text":"…"}]}',
    '\\u0041',
  ),
  inResult('an error result of one text', '{"isError":true,"content":[{"type":"text","text":"…"}]}', 'x'),
  inResult('a result of short texts', '{"content":[…]}', shortText),
  inResult('a result of one text', '{"content":[{"type":"text","text":"…"}]}', 'x'),
  { ...inResult('ten results of one text', '{"content":[{"type":"text","text":"…"}]}', 'x'), calls: 10 },
  { ...inResult('ten results of short texts', '{"content":[…]}', shortText), calls: 10 },
  inResult('a result that is not ASCII', '{"content":[{"type":"text","text":"…"}]}', 'é'),
  {
    ...inResult('ten results that are not ASCII', '{"content":[{"type":"text","text":"…"}]}', 'é'),
    calls: 10,
  },
  inResult('a result of empty objects', '{"content":[…]}', '{},'),
  inResult('a result of members', '{…}', '"a":0,'),
  inResult('a result whose isError is repeated', '{…}', '"isError":true,'),
  inResult('a result nested without end', '{"a":…}', '['),
  inResult('a result of digits', '{"a":[…]}', '1,'),
  {
    name: 'an error with data of 60 MB',
    to: 'tools/call',
    make: (id) =>
      repeated(
        json,
        `{"jsonrpc":"2.0","id":${id},"error":{"code":-1,"message":"m","data":[`,
        '"abc",',
        ']}}',
      ),
  },
  {
    name: 'an error with a message of 60 MB',
    to: 'tools/call',
    make: (id) => repeated(json, `{"jsonrpc":"2.0","id":${id},"error":{"code":-1,"message":"`, 'm', '"}}'),
  },
  {
    name: 'a batch of empty objects',
    to: 'tools/call',
    make: () => repeated(json, '[', '{},', ']'),
  },
  {
    name: 'a batch of notifications',
    to: 'tools/call',
    make: () => repeated(json, '[', '{"jsonrpc":"2.0","method":"notifications/x"},', ']'),
  },
  {
    name: 'a batch of requests',
    to: 'tools/call',
    make: () => repeated(json, '[', '{"jsonrpc":"2.0","id":1,"method":"ping"},', ']'),
  },
  inStream('events of one character', 'data:1\n\n'),
  inStream('events of notifications', 'data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'),
  inStream('events of pings', 'data: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n', 8 * 1024 * 1024),
  inStream('one event of many lines', 'data:\n'),
  inStream('comments', ':\n'),
  inStream('comments that end with CR', ':\r'),
  inStream('blank lines', '\n'),
  inStream('ids', 'id: 1\n'),
  inStream('a line without an end', 'x', maxAnswerBytes),
  inStream('events of batches of empty objects', `data: [${'{},'.repeat(1000)}{}]\n\n`),
  { name: 'chunks of one byte', to: 'tools/call', make: tinyChunks },
  {
    name: 'blanks with a length',
    to: 'tools/call',
    make: () => whole(Buffer.alloc(largeBytes, ' ')),
  },
  {
    name: 'an error status with 60 MB',
    to: 'tools/call',
    make: () => whole(Buffer.alloc(largeBytes, 'x'), 'Content-Type: text/plain', '500 Oops'),
  },
  {
    name: 'a head of 60 MB',
    to: 'tools/call',
    make: () => repeated(json, '', 'X-A: b\r\n', '\r\n'),
  },
  bomb('gzip', (body) => gzipSync(body)),
  bomb('deflate', (body) => deflateSync(body)),
  bomb('br', (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })),
  bomb('zstd', (body) => zstdCompressSync(body)),
  inList(
    'a list of one tool whose name is repeated',
    '{"tools":[{"inputSchema":{"type":"object"},…}]}',
    '"name":"a",',
  ),
  {
    name: 'a list of one tool whose name is repeated, the last one long',
    to: 'tools/list',
    make: (id) =>
      repeated(
        json,
        `{"jsonrpc":"2.0","id":${id},"result":{"tools":[{"inputSchema":{"type":"object"},`,
        '"name":"a",',
        `,"name":"${'n'.repeat(1024 * 1024)}"}]}}`,
        1024 * 1024,
      ),
  },
  inList('a list of tools without a schema', '{"tools":[…]}', '{"name":"a"},'),
  inList('a list of empty objects', '{"tools":[…]}', '{},'),
  inList(
    'a list of a tool with a long description',
    '{"tools":[{"name":"a","inputSchema":{"type":"object"},"description":"…"}]}',
    'd',
  ),
  {
    name: 'a list of 90,000 tools',
    to: 'tools/list',
    make: (id) => {
      const tools = Array.from({ length: 90_000 }, (_, index) => ({
        name: `t${index}`,
        description: 'd'.repeat(500),
        inputSchema: { type: 'object' },
      }));
      return whole(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(id), result: { tools } }));
    },
  },
  {
    name: 'an answer to initialize with instructions of 60 MB',
    to: 'initialize',
    make: (id) =>
      repeated(
        json,
        `{"jsonrpc":"2.0","id":${id},"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"n","version":"1"},"instructions":"`,
        'i',
        '"}}',
      ),
  },
  ...[1, 2, 3, 4].map((seed) =>
    inResult(`a result of random JSON, seed ${seed}`, '{"a":[…]}', `${randomJson(new Random(seed), 6)},`),
  ),
  ...[5, 6, 7].map((seed) =>
    inResult(
      `an error result of random JSON, seed ${seed}`,
      '{"isError":true,"content":[…]}',
      `${randomJson(new Random(seed), 6)},`,
    ),
  ),
];
