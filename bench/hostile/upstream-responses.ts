// Responses of an upstream, up to 64 MB on the wire, each meant to cost the gateway far more than its size.

import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Random, randomJson } from '../../test/support/random.ts';

/** The largest response. */
const maxAnswerBytes = 64 * 1024 * 1024;
/** A little less, for responses that the gateway's own limit must not cut short. */
const largeBytes = 60 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

/** An HTTP response that is made on demand; `id` is the JSON text of the request's id. */
export interface HostileResponse {
  readonly name: string;
  /** The method of its request. */
  readonly to: 'tools/call' | 'tools/list' | 'initialize';
  /** How many concurrent calls get it; 1 by default. */
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

/** A response that ends with its connection: `head`, then `unit` repeated up to `bytes`, then `tail`. */
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

/** The JSON text of a response around its repeated part. */
function around(id: string, result: string): { head: string; tail: string } {
  const [head = '', tail = ''] = result.split('…');
  return { head: `{"jsonrpc":"2.0","id":${id},"result":${head}`, tail: `${tail}}` };
}

/** A JSON response whose `…` is `unit`, repeated. */
function inResult(name: string, result: string, unit: string, bytes = largeBytes): HostileResponse {
  const make = (id: string) => {
    const { head, tail } = around(id, result);
    return repeated(json, head, unit, tail, bytes);
  };
  return { name, to: 'tools/call', make };
}

/** A stream of events that ends with the response. */
function inStream(name: string, unit: string, bytes = largeBytes): HostileResponse {
  const make = (id: string) =>
    repeated(events, '', unit, `\n\ndata: {"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n\n`, bytes);
  return { name, to: 'tools/call', make };
}

/** A list of tools whose `…` is `unit`, repeated. */
function inList(name: string, list: string, unit: string, bytes = largeBytes): HostileResponse {
  return { ...inResult(name, list, unit, bytes), to: 'tools/list' };
}

/** A small body that decompresses to a large one. */
function bomb(encoding: string, compress: (body: Buffer) => Buffer): HostileResponse {
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

/** Chunks that are sent repeatedly. */
function* inChunks(headers: string, piece: string, end = '', bytes = largeBytes): Generator<Buffer, void> {
  yield Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = Buffer.from(piece);
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
  yield Buffer.from(end);
}

/** One event in chunks of one character. */
function* eventInTinyChunks(id: string): Generator<Buffer, void> {
  const asChunks = (text: string) => [...text].map((c) => `1\r\n${c === '\n' ? '\n' : c}\r\n`).join('');
  yield Buffer.from(`HTTP/1.1 200 OK\r\n${events}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  yield Buffer.from(
    asChunks(`data: {"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`),
  );
  const piece = Buffer.from('1\r\nx\r\n'.repeat(pieceBytes / 8));
  for (let sent = 0; sent < largeBytes; sent += piece.length) yield piece;
  yield Buffer.from(`${asChunks('"}]}}\n\n')}0\r\n\r\n`);
}

function* interim(): Generator<Buffer, void> {
  const piece = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(20_000));
  for (let sent = 0; sent < largeBytes; sent += piece.length) yield piece;
}

const manyGroups = Array.from({ length: 4_000 }, (_, index) => `(?<a${index}>x)`).join('');
const shortText = '{"type":"text","text":"abc"},';

export const upstreamResponses: readonly HostileResponse[] = [
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
  inResult('a result with blanks between its tokens', '{"content":[]…}', ' \n'),
  inResult('a result with a number of 60 MB', '{"a":…}', '1'),
  inResult('a result nested in objects', '{"structuredContent":…', '{"a":'),
  inResult('a result with structured content', '{"content":[],"structuredContent":{…}}', '"key":[1,"a"],'),
  inResult('a result with a long key', '{"content":[],"…":0}', 'k'),
  inResult('a result with escaped keys', '{"content":[],"structuredContent":{…}}', '"\\u0061\\u0062":0,'),
  inResult(
    'an error result with a long key',
    '{"isError":true,"content":[],"structuredContent":{"…":0}}',
    'k',
  ),
  inResult(
    'an error result of percent signs',
    '{"isError":true,"content":[{"type":"text","text":"…"}]}',
    '%2',
  ),
  inResult(
    'an error result of references',
    '{"isError":true,"content":[{"type":"text","text":"…"}]}',
    '&#x41;',
  ),
  inResult(
    'an error result of near misses of a secret',
    '{"isError":true,"content":[{"type":"text","text":"…"}]}',
    'a-long-secret-',
  ),
  {
    name: 'a batch of answers to others',
    to: 'tools/call',
    make: () => repeated(json, '[', '{"jsonrpc":"2.0","id":"x","result":{}},', ']', 380_000),
  },
  {
    name: 'a batch of nested arrays',
    to: 'tools/call',
    make: () => repeated(json, '[', '[[],[]],', ']'),
  },
  {
    name: 'chunks with extensions',
    to: 'tools/call',
    make: () => inChunks(json, `1;${'e'.repeat(1_000)}\r\n \r\n`.repeat(1_000)),
  },
  {
    name: 'trailers without end',
    to: 'tools/call',
    make: () => inChunks(json, 'X-Trailer: a\r\n'.repeat(50_000), '', largeBytes),
  },
  { name: 'interim responses without end', to: 'tools/call', make: interim },
  { name: 'one event in chunks of one byte', to: 'tools/call', make: eventInTinyChunks },
  inStream('retries', 'retry: 1\n'),
  inStream('event names', `event: ${'e'.repeat(100)}\n`),
  inStream('fields that are unknown', 'x\n'),
  inStream('line breaks of all kinds', ':\r\n\n:\r\r'),
  inStream('events whose name is no message', 'event: x\ndata: {"jsonrpc":"2.0"}\n\n'),
  inStream('events that are no JSON', 'data: {"a":\n\n'),
  inStream('events of answers to others', 'data: {"jsonrpc":"2.0","id":"other","result":{}}\n\n'),
  inStream(
    'events of changed lists',
    'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n',
  ),
  inStream('one event that is not ASCII', `data: ${'é'.repeat(1_000)}\n`),
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
    name: 'white space with a length',
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
  inList(
    'a list of tools with patterns of many groups',
    '{"tools":[…]}',
    `{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"a":{"pattern":"${manyGroups}"}}}},`,
    20 * 1024 * 1024,
  ),
  inList(
    'a list of tools with long names',
    '{"tools":[…]}',
    `{"inputSchema":{"type":"object"},"name":"${'n'.repeat(500_000)}"},`,
  ),
  inList(
    'a list of tools that are not as they should be',
    '{"tools":[…]}',
    '{"name":"a","inputSchema":{"type":"object","required":[null]}},',
    6 * 1024 * 1024,
  ),
  inList(
    'a list of a schema nested without end',
    '{"tools":[{"name":"a","inputSchema":{"type":"object","properties":…',
    '{"a":',
  ),
  inList('a list with an endless cursor', '{"tools":[],"nextCursor":"…"}', 'c'),
  inList('a list with much else', '{"tools":[],"_meta":{…}}', '"a":{},'),
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
  {
    name: 'an answer to initialize with a name of 60 MB',
    to: 'initialize',
    make: (id) =>
      repeated(
        json,
        `{"jsonrpc":"2.0","id":${id},"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"version":"1","name":"`,
        'n',
        '"}}}',
      ),
  },
  {
    name: 'an answer to initialize with millions of capabilities',
    to: 'initialize',
    make: (id) =>
      repeated(
        json,
        `{"jsonrpc":"2.0","id":${id},"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"n","version":"1"},"capabilities":{"tools":{},`,
        '"a":{},',
        '}}}',
      ),
  },
  {
    name: 'an error in answer to initialize with a message of 60 MB',
    to: 'initialize',
    make: (id) => repeated(json, `{"jsonrpc":"2.0","id":${id},"error":{"code":-1,"message":"`, 'm', '"}}'),
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
