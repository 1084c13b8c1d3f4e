import { describe, expect, test } from 'bun:test';
import { allSplits, parse } from '../parsing.ts';

const ok = 'HTTP/1.1 200 OK\r\n';

/** Expects the same refusal however a text is cut into pieces, and no end before it. */
function expectRefused(text: string, error: string): void {
  for (const pieces of allSplits(text)) {
    expect(parse(pieces, true), JSON.stringify(pieces)).toMatchObject({ error, end: null });
  }
}

describe('a response is refused that begins with', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n'],
    ['no version', 'HTTP 200 OK\r\n'],
    ['lower case', 'http/1.1 200 OK\r\n'],
    ['a blank', ` ${ok}`],
    ['an empty line', `\r\n${ok}`],
    ['two blanks in the middle', 'HTTP/1.1  200 OK\r\n'],
    ['no status', 'HTTP/1.1\r\n'],
    ['a short status', 'HTTP/1.1 20\r\n'],
    ['a long status', 'HTTP/1.1 2000 OK\r\n'],
    ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n'],
    ['a reason too close', 'HTTP/1.1 200OK\r\n'],
    // RFC 9110, 15: there are none below 100, and so it is no interim one either.
    ['a status that no response has', 'HTTP/1.1 099 OK\r\n'],
  ])('%s', (_name, text) => {
    expectRefused(`${text}\r\n`, 'sent an invalid HTTP response: not HTTP/1.1');
  });

  test('an unrequested upgrade', () => {
    const text = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
    expectRefused(text, 'sent an invalid HTTP response: unrequested protocol switch (HTTP 101)');
  });
});

describe('a header is refused', () => {
  test.each([
    ['without a colon', 'nonsense\r\n'],
    ['without a name', ': value\r\n'],
    ['with a blank before the colon', 'Content-Length : 1\r\n'],
    ['with a blank in the name', 'Content Length: 1\r\n'],
    ['with a name that is no ASCII', 'X-\xe4: 1\r\n'],
    ['with a null character in the name', 'X\0: 1\r\n'],
    ['with a null character in the value', 'X: a\0b\r\n'],
    ['with a carriage return in the value', 'X: a\rb\r\n'],
    ['with a carriage return before the value', 'X:\ra\r\n'],
    ['with a carriage return after the value', 'X: a\r\r\n'],
    ['with a carriage return in a folded line', 'X: a\r\n b\rc\r\n'],
    ['with a null character in a folded line', 'X: a\r\n b\0c\r\n'],
    ['that goes on from nothing', ' folded\r\n'],
    ['that goes on from nothing by a tab', '\tfolded\r\n'],
  ])('%s', (_name, header) => {
    expectRefused(`${ok}${header}\r\n`, 'sent an invalid HTTP response: malformed header field');
  });

  test('that continues the head of an interim response', () => {
    expectRefused(
      'HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\n folded\r\n\r\n',
      'sent an invalid HTTP response: malformed header field',
    );
  });
});

describe('a length is refused', () => {
  test.each([
    ['that differs from another', 'Content-Length: 1\r\nContent-Length: 2'],
    ['that differs from another in its list', 'Content-Length: 1, 2'],
    ['that differs from another in its zeros', 'Content-Length: 1, 01'],
    ['that is empty', 'Content-Length:'],
    ['in a list with nothing in it', 'Content-Length: 1,'],
    ['below zero', 'Content-Length: -1'],
    ['with a sign', 'Content-Length: +1'],
    ['with a fraction', 'Content-Length: 1.0'],
    ['with a unit', 'Content-Length: 1B'],
    ['in hexadecimal', 'Content-Length: 0x1'],
    ['in two parts', 'Content-Length: 1 1'],
    ['in two parts, folded', 'Content-Length: 1\r\n 1'],
    ['beyond what a number can hold', 'Content-Length: 18446744073709551616'],
    ['with a blank that is no blank of HTTP', 'Content-Length: 1\xa0'],
    ['even beside chunks', 'Transfer-Encoding: chunked\r\nContent-Length: x'],
  ])('%s', (_name, header) => {
    expectRefused(`${ok}${header}\r\n\r\n1`, 'sent an invalid HTTP response: invalid Content-Length');
  });
});

describe('the size of a chunk is refused', () => {
  test.each([
    ['that is missing', '\r\n'],
    ['that has only an extension', ';x\r\n'],
    ['that is no number', 'x\r\n'],
    ['that goes on as no number', '1x\r\n'],
    ...[...'/:@G`g'].map((digit) => [`of what is next to a digit: ${digit}`, `${digit}\r\n`]),
    ['in another notation', '0x1\r\n'],
    ['with a sign', '+1\r\n'],
    ['below zero', '-1\r\n'],
    ['after a blank', ' 1\r\n'],
    ['in two parts', '1 1\r\n'],
    ['with a carriage return after it', '1\r\r\n'],
    ['with a carriage return in its extension', '1;x\ry\r\n'],
    // RFC 9112, 2.2 lets lines of a head end so, and no others: where a size is wrong by one it may look like this.
    ['with a bare line feed after it', '1\na\r\n0\r\n\r\n'],
    ['of more digits than a number can hold', 'fffffffffffff\r\n'],
    ['of 2^64', '10000000000000000\r\n'],
  ])('%s', (_name, size) => {
    expectRefused(
      `${ok}Transfer-Encoding: chunked\r\n\r\n${size}`,
      'sent an invalid HTTP response: invalid chunk size',
    );
  });

  test.each([
    ['less than what comes', '1\r\nab\r\n0\r\n\r\n'],
    ['more than what comes', '2\r\na\r\n0\r\n\r\n'],
    ['less than what comes by a line feed', '1\r\na\n0\r\n\r\n'],
  ])('that is %s', (_name, chunks) => {
    expectRefused(
      `${ok}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
      'sent an invalid HTTP response: chunk longer than its size',
    );
  });
});

// RFC 9112, 6.1: a sender must not apply it more than once, and what the body is then nobody knows.
test('chunked twice is refused', () => {
  for (const header of [
    'chunked, chunked',
    'chunked, gzip, chunked',
    'chunked\r\nTransfer-Encoding: chunked',
  ]) {
    const found = parse([`${ok}Transfer-Encoding: ${header}\r\n\r\n1\r\na\r\n0\r\n\r\n`]);
    expect(found).toMatchObject({ body: '', end: null });
    expect(found.error).not.toBeNull();
  }
});

describe('the bound', () => {
  const tooLong = 'sent an invalid HTTP response: head longer than 65536 bytes';
  /** Pushes `text` in pieces of `size` characters. */
  const inPieces = (text: string, size: number) =>
    parse(
      Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, i * size + size)),
    );
  const head = (bytes: number, lineLength: number) => {
    const end = 'Content-Length: 1\r\n\r\n';
    let text = ok;
    while (text.length + lineLength + end.length <= bytes) text += `X: ${'x'.repeat(lineLength - 5)}\r\n`;
    const rest = bytes - text.length - end.length;
    // What is left over goes into the reason.
    return text.replace('OK', 'x'.repeat(2 + rest)) + end;
  };

  test.each([1, 1_000, 100_000])('on a head is 64 KiB, in pieces of %i', (size) => {
    for (const lineLength of [10, 1_000, 60_000]) {
      expect(head(65_536, lineLength)).toHaveLength(65_536);
      expect(inPieces(`${head(65_536, lineLength)}a`, size)).toMatchObject({ body: 'a', end: 'clean' });
      expect(inPieces(`${head(65_537, lineLength)}a`, size)).toMatchObject({ status: null, error: tooLong });
    }
  });

  test.each([
    ['a line that does not end', 'HTTP/1.1 200 OK, and so on'],
    ['headers without an end', 'HTTP/1.1: 200 \r\n'],
    ['interim responses', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['interim responses with headers', `HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(1_000)}\r\n\r\n`],
  ])('on a head holds for %s', (_name, piece) => {
    const pieces = Array<string>(Math.ceil(65_537 / piece.length)).fill(piece);
    expect(parse(pieces)).toMatchObject({ status: null, error: tooLong });
    expect(parse([pieces.join('')])).toMatchObject({ status: null, error: tooLong });
  });

  test.each([
    ['an extension of a chunk', `1;${'x'.repeat(16 * 1024)}`],
    ['zeros ahead of a size', '0'.repeat(16 * 1024 + 1)],
    ['one trailer', `0\r\nX: ${'x'.repeat(16 * 1024)}`],
    ['all trailers together', `0\r\n${'X: 1\r\n'.repeat(3_000)}`],
  ])('between chunks holds for %s', (_name, text) => {
    const all = `${ok}Transfer-Encoding: chunked\r\n\r\n${text}`;
    for (const size of [1, 100, 100_000]) {
      const found = inPieces(all, size);
      expect(found).toMatchObject({ status: 200, body: '', end: null });
      expect(found.error).not.toBeNull();
    }
  });

  test('between chunks is not used up by many chunks', () => {
    const all = `${ok}Transfer-Encoding: chunked\r\n\r\n${'1;xxxxxxxx\r\na\r\n'.repeat(5_000)}0\r\n\r\n`;
    expect(inPieces(all, 777)).toMatchObject({ body: 'a'.repeat(5_000), end: 'clean', error: null });
  });
});
