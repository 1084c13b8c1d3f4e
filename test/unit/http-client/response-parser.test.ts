import { describe, expect, test } from 'bun:test';
import { ResponseParser } from '../../../src/http-client/response-parser.ts';
import { allSplits, Findings, type Parsed, parse } from './parsing.ts';

const ok = 'HTTP/1.1 200 OK\r\n';

interface Expected extends Partial<Omit<Parsed, 'header'>> {
  headers?: Record<string, string | null>;
}

/** Expects the same of a text however it is cut into pieces. */
function expectParsed(text: string, { headers = {}, ...expected }: Expected, closes = false): void {
  for (const pieces of allSplits(text)) {
    const found = parse(pieces, closes);
    expect(found, JSON.stringify(pieces)).toMatchObject({ error: null, ...expected });
    for (const [name, value] of Object.entries(headers)) {
      expect(found.header(name), `${name} in ${JSON.stringify(pieces)}`).toBe(value);
    }
  }
}

describe('a body is framed', () => {
  test.each<[string, string, Expected]>([
    [
      'by its length',
      `${ok}Content-Length: 5\r\n\r\nhello`,
      { contentLength: 5, body: 'hello', persistent: true },
    ],
    ['by a length of nothing', `${ok}Content-Length: 0\r\n\r\n`, { contentLength: 0, body: '' }],
    [
      'by a length with zeros ahead',
      `${ok}Content-Length: 0003\r\n\r\nabc`,
      { contentLength: 3, body: 'abc' },
    ],
    [
      'by equal lengths in two headers',
      `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`,
      { contentLength: 2, body: 'hi', persistent: true },
    ],
    [
      'by equal lengths in one header',
      `${ok}Content-Length: 2, 2\r\n\r\nhi`,
      { contentLength: 2, body: 'hi', persistent: true },
    ],
    [
      'in chunks',
      `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`,
      { contentLength: null, body: 'hello!', persistent: true },
    ],
    ['in no chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, { body: '', persistent: true }],
    [
      'in chunks with sizes in lower and upper case, and with zeros ahead',
      `${ok}Transfer-Encoding: Chunked\r\n\r\na\r\n0123456789\r\nA\r\n9876543210\r\n0000000000000001\r\n!\r\n000\r\n\r\n`,
      { body: '01234567899876543210!' },
    ],
    [
      'in chunks with extensions, and blanks after the size',
      `${ok}Transfer-Encoding: chunked\r\n\r\n2;name="va;lue";x\r\nab\r\n1 \t\r\nc\r\n1 ;y\r\nd\r\n0;last\r\n\r\n`,
      { body: 'abcd' },
    ],
    [
      'in chunks that end with trailers, which are none of the headers',
      `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Length: 9\r\nX-Sum: 1\r\n\r\n`,
      { headers: { 'content-length': null, 'x-sum': null }, body: 'a', persistent: true },
    ],
    [
      'in chunks that contain line ends, and look like the end',
      `${ok}Transfer-Encoding: chunked\r\n\r\n9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`,
      { body: '\r\n0\r\n\r\n\r\n' },
    ],
    [
      'in chunks after another coding, which is left to whoever reads it',
      `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      { body: 'a', persistent: true },
    ],
    [
      // RFC 9110, 5.6.1: what is empty in a list is to be ignored.
      'in chunks, by a list with nothing in some of its places',
      `${ok}Transfer-Encoding: ,gzip , ,chunked, \t,\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      { body: 'a', persistent: true },
    ],
    [
      'in chunks, by codings in two headers',
      `${ok}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      { body: 'a' },
    ],
    [
      'by its length where a list of codings has nothing in it, after which nothing can be trusted',
      `${ok}Transfer-Encoding: ,\r\nContent-Length: 1\r\n\r\na`,
      { contentLength: 1, body: 'a', persistent: false },
    ],
    [
      'in chunks rather than by a length, after which nothing can be trusted',
      `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      { contentLength: null, body: 'a', persistent: false },
    ],
    [
      'in chunks rather than by a length that comes later',
      `${ok}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      { contentLength: null, body: 'a', persistent: false },
    ],
  ])('%s', (_name, text, expected) => {
    expectParsed(text, { status: 200, end: 'clean', ...expected });
  });

  test.each<[string, string, string]>([
    ['when nothing else tells it', '', 'hel\r\n\r\nlo'],
    ['when it has no end in itself', 'Transfer-Encoding: gzip\r\n', 'hello'],
    ['whatever length stands beside a coding', 'Transfer-Encoding: gzip\r\nContent-Length: 2\r\n', 'hello'],
    [
      'when chunks are not its outermost coding',
      'Transfer-Encoding: chunked, gzip\r\n',
      '1\r\na\r\n0\r\n\r\n',
    ],
    ['when its coding only sounds like chunks', 'Transfer-Encoding: xchunked\r\n', '1\r\na\r\n0\r\n\r\n'],
    ['with nothing in it', '', ''],
  ])('by the end of the connection %s', (_name, header, body) => {
    const text = `${ok}${header}\r\n${body}`;
    expectParsed(text, { contentLength: null, body, end: 'clean', persistent: false }, true);
    expectParsed(text, { end: null });
  });

  test.each([
    ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 204],
    ['204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', 204],
    ['204 with nothing', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 304],
  ])('as none at all for %s', (_name, text, status) => {
    expectParsed(text, { status, contentLength: 0, body: '', end: 'clean' });
  });
});

describe('a head', () => {
  test.each<[string, string, Expected]>([
    ['of another status', 'HTTP/1.1 418 Tea\r\nContent-Length: 0\r\n\r\n', { status: 418 }],
    ['of the largest status', 'HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n', { status: 999 }],
    ['without a reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { status: 200 }],
    ['with a reason in any words', 'HTTP/1.1 200 \xe4 : b\r\nContent-Length: 0\r\n\r\n', { status: 200 }],
    ['with bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 1\n\na', { status: 200, body: 'a' }],
    [
      'with bare line feeds, and a body that begins with other ones',
      'HTTP/1.1 200 OK\nContent-Length: 3\n\n\r\na',
      { body: '\r\na', end: 'clean' },
    ],
    [
      'with line ends of both kinds',
      'HTTP/1.1 200 OK\nX-A: 1\r\nContent-Length: 1\n\r\na',
      { headers: { 'x-a': '1' }, body: 'a', end: 'clean' },
    ],
    [
      'with trailers that have bare line feeds',
      'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\r\na\r\n0\r\nX-Sum: 1\n\n',
      { body: 'a', end: 'clean' },
    ],
    [
      'with header names in any case, and blanks around values',
      `${ok}cONTENT-lENGTH: \t 1 \t\r\nX-Empty:\r\nX-Colon::a:b\r\n\r\na`,
      { headers: { 'content-length': '1', 'x-empty': '', 'x-colon': ':a:b' }, body: 'a' },
    ],
    [
      'with every character that a name may have',
      `${ok}A!#$%&'*+-.^_\`|~9: 1\r\nContent-Length: 0\r\n\r\n`,
      { headers: { "a!#$%&'*+-.^_`|~9": '1' } },
    ],
    [
      'with values that are no ASCII, of which every byte stays',
      `${ok}X-Name: caf\xc3\xa9 \xc3\xa0\r\nContent-Length: 0\r\n\r\n`,
      { headers: { 'x-name': 'caf\xc3\xa9 \xc3\xa0' } },
    ],
    [
      'with a header that is repeated, in the order of its values',
      `${ok}X-A: 1\r\nX-B: 2\r\nx-a: 3\r\nContent-Length: 0\r\n\r\n`,
      { headers: { 'x-a': '1, 3', 'x-b': '2' } },
    ],
    [
      'with values that are folded over lines',
      `${ok}X-A: 1\r\n  2\r\n\t 3 \r\nContent-Length: 0\r\n\r\n`,
      { headers: { 'x-a': '1 2 3' } },
    ],
    [
      'after interim ones, whose headers are forgotten',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nLink: x\r\n\r\n${ok}Content-Length: 1\r\n\r\na`,
      { status: 200, headers: { link: null, 'content-length': '1' }, body: 'a', end: 'clean' },
    ],
  ])('may come %s', (_name, text, expected) => {
    expectParsed(text, expected);
  });
});

describe('a connection serves another request', () => {
  test.each([
    ['by default', 'HTTP/1.1', '', true],
    ['when it says so', 'HTTP/1.1', 'Connection: keep-alive\r\n', true],
    ['not when it says close', 'HTTP/1.1', 'Connection: close\r\n', false],
    ['not when it says Close', 'HTTP/1.1', 'Connection: Close\r\n', false],
    ['not when close is in a list', 'HTTP/1.1', 'Connection: x-hop ,close\r\n', false],
    ['not when close is in a second header', 'HTTP/1.1', 'Connection: x\r\nConnection: close\r\n', false],
    ['not when it says both', 'HTTP/1.1', 'Connection: keep-alive, close\r\n', false],
    ['when close is only part of a word', 'HTTP/1.1', 'Connection: closed, x-close\r\n', true],
    ['not by default before HTTP/1.1', 'HTTP/1.0', '', false],
    ['before HTTP/1.1 when it says so', 'HTTP/1.0', 'Connection: Keep-Alive\r\n', true],
    ['before HTTP/1.1 when a list says so', 'HTTP/1.0', 'Connection: x, keep-alive\r\n', true],
    ['not before HTTP/1.1 when it says other things', 'HTTP/1.0', 'Connection: x\r\n', false],
  ])('%s', (_name, version, header, persistent) => {
    expectParsed(`${version} 200 OK\r\n${header}Content-Length: 1\r\n\r\na`, { persistent, end: 'clean' });
  });

  // RFC 9112, 6.1: such a message came through someone who does not know of chunks.
  test('not after chunks before HTTP/1.1, which had none', () => {
    expectParsed(
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      { body: 'a', persistent: false },
    );
  });

  test.each([
    ['a length', 'Content-Length: 2'],
    ['chunks', 'Transfer-Encoding: chunked'],
  ])('not if its status excludes a body and a header announces one: %s', (_name, header) => {
    expectParsed(`HTTP/1.1 204 No Content\r\n${header}\r\n\r\n`, { end: 'clean', persistent: false });
  });

  test('after a length of zero', () => {
    expectParsed('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', { end: 'clean', persistent: true });
  });

  test('after the length of an unmodified body (304)', () => {
    expectParsed('HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', {
      end: 'clean',
      persistent: true,
    });
  });
});

describe('data after the end', () => {
  test.each([
    ['of a length', `${ok}Content-Length: 1\r\n\r\na`],
    ['of chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`],
  ])('%s is reported with the end, and is not part of the body', (_name, text) => {
    for (const excess of ['x', '\r\n', text]) {
      expect(parse([text + excess])).toMatchObject({ body: 'a', end: 'excess', error: null });
    }
  });

  test('is refused if it comes later', () => {
    const text = `${ok}Content-Length: 1\r\n\r\na`;
    expect(parse([text, 'x'])).toMatchObject({
      end: 'clean',
      error: 'sent data without a request',
    });
  });

  test('is the next response once that is expected', () => {
    const findings = [new Findings(), new Findings()];
    let current = 0;
    const parser = new ResponseParser({
      onHead: (head) => findings[current]?.onHead(head),
      onData: (chunk, start, end) => findings[current]?.onData(chunk, start, end),
      onEnd: (clean) => findings[current]?.onEnd(clean),
    });
    parser.expect();
    parser.push(Buffer.from('HTTP/1.0 404 \r\nX-A: 1\r\nContent-Length: 1\r\n\r\na'));
    current = 1;
    parser.expect();
    parser.push(Buffer.from(`${ok}X-B: 2\r\nContent-Length: 0\r\n\r\n`));
    const seen = findings.map(({ found }) => [found.status, found.header('x-a'), found.header('x-b')]);
    expect(seen).toEqual([
      [404, '1', null],
      [200, null, '2'],
    ]);
    expect(findings.map(({ found }) => [found.persistent, found.end])).toEqual([
      [false, 'clean'],
      [true, 'clean'],
    ]);
  });
});

test('a response that breaks off anywhere has no end', () => {
  for (const text of [
    `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 5\r\n\r\nhello`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0;x\r\nX-Sum: 1\r\n\r\n`,
  ]) {
    for (let length = 1; length < text.length; length++) {
      const cut = text.slice(0, length);
      expect(parse([cut], true), JSON.stringify(cut)).toMatchObject({ end: null, error: null });
    }
  }
});

test('a line of two carriage returns is not the empty line that ends a head', () => {
  const text = `${ok.trimEnd()}\r\n\r\r\nbody`;
  for (const pieces of allSplits(text)) {
    expect(parse(pieces), JSON.stringify(pieces)).toMatchObject({ status: null, body: '' });
  }
});
