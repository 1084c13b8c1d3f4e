import { expect, setDefaultTimeout, test } from 'bun:test';
import { httpClient, unaborted } from '../../../support/http-client.ts';
import { Random } from '../../../support/random.ts';
import { rawServer } from '../../../support/raw-server.ts';
import { within } from '../../../support/wait.ts';
import { parse } from '../parsing.ts';
import { randomHeaderNames, randomlyBroken, randomPieces, randomResponse } from '../random-responses.ts';

setDefaultTimeout(60_000);

/** How many responses are served. To look for more than a run needs, raise it, and change the seed. */
const count = 600;
const seed = 11;

/** What a client made of a response. */
type Outcome = { status: number; headers: (string | null)[]; body: string } | { refusal: string };

const blank = '[ \\t]';
/** Anywhere in a head, that of an interim response included. */
const inHead = (pattern: string, text: string) => new RegExp(pattern, 'i').test(headOf(text));
/** What is no data in a chunked body is not told from what is: good enough for what faults are made of. */
const inChunks = (pattern: RegExp, text: string) => pattern.test(text.slice(headOf(text).length));

/** What we take for a response and `fetch` does not; the bodies are what RFC 9112 says. */
const lenient: Record<string, (text: string) => boolean> = {
  'values that are folded over lines (5.2)': (text) => inHead(`\\n${blank}`, text),
  'control characters in values, but those that split (RFC 9110, 5.5)': (text) =>
    inHead('[\\x01-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]', text),
  'one header with a list of equal lengths (6.3)': (text) => inHead(`content-length:[^\\n]*,`, text),
  'codings that do not end in chunked: until the end of the connection (6.3)': (text) =>
    inHead('transfer-encoding:', text) &&
    !inHead(`transfer-encoding:(.*,)?[ \\t]*chunked[ \\t,]*\\r?\\n`, text),
  'a coding before chunked, whatever it is: the body is given as it was before the chunks were made': (
    text,
  ) => inHead('transfer-encoding:.*[^ \\t].*chunked', text),
  'trailers that end with a bare line feed (2.2)': (text) => inChunks(/[^\r]\n/, text),
  'a response of less than 16 bytes': (text) => text.length < 16,
  'blanks after the size of a chunk (7.1)': (text) => inChunks(/(^|\n)[0-9a-f]+[ \t]/i, text),
};

/** What `fetch` takes for a response and we do not. */
const strict: Record<string, (text: string) => boolean> = {
  'the end of the connection after the last chunk, before the end of the trailers': (text) =>
    inHead('chunked', text) && inChunks(/(^|\n)0+[^\n]*(\n|$)/, text) && !/\n\r?\n$/.test(text),
  'trailers of more than 16 KiB': (text) => inHead('chunked', text) && text.length > 16 * 1024,
  'more than one blank before the status': (text) => inHead(`HTTP/1\\.\\d ${blank}`, text),
  'a status below 100': (text) => inHead('HTTP/1\\.\\d 0', text),
  'lengths that are equal but for zeros ahead': (text) =>
    inHead('content-length:[\\s\\S]*\\ncontent-length:', text),
};

/** All heads up to the one that counts. */
function headOf(text: string): string {
  return /^(?:HTTP\/1\.1 1.*?\n\r?\n)*.*?(?:\n\r?\n|$)/s.exec(text)?.[0] ?? text;
}

/** Values without the blanks around them: `fetch` leaves one before a value that follows one of nothing but blanks. */
function trimmed(value: string | null): string | null {
  return value?.replace(/(^|,)[ \t]+/g, '$1') ?? null;
}

test('a response is parsed as fetch parses it, and one that fetch refuses is never another one', async () => {
  const random = new Random(seed);
  const responses = Array.from({ length: count }, () => {
    const text = randomResponse(random);
    return random.below(3) > 0 ? randomlyBroken(random, text) : text;
  });
  // Each piece is a write of its own.
  const pieces = responses.map((text) => randomPieces(random, text, 100));
  using server = await rawServer(async ({ target, socket }) => {
    for (const piece of pieces[Number(target.slice(1))] ?? []) {
      socket.write(Buffer.from(piece, 'latin1'));
      if (piece.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
  });

  const ours = async (index: number): Promise<Outcome> => {
    await using client = httpClient(`${server.origin}/${index}`);
    try {
      const response = await client.fetch({ method: 'GET', signal: unaborted });
      const body: Uint8Array[] = [];
      for (let piece = await response.read(); piece; piece = await response.read()) body.push(piece);
      const headers = randomHeaderNames.map((name) => trimmed(response.header(name)));
      return { status: response.status, headers, body: Buffer.concat(body).toString('latin1') };
    } catch (error) {
      return { refusal: (error as Error).message };
    }
  };
  const reference = async (index: number): Promise<Outcome> => {
    try {
      const init = { keepalive: false, decompress: false, redirect: 'manual' } as const;
      const response = await fetch(`${server.origin}/${index}`, init);
      const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
      const headers = randomHeaderNames.map((name) => trimmed(response.headers.get(name)));
      return { status: response.status, headers, body };
    } catch (error) {
      return { refusal: String((error as { code?: unknown }).code) };
    }
  };

  let [equal, refused] = [0, 0];
  const compare = async (index: number) => {
    const text = responses[index] as string;
    const shown = `response ${index}: ${JSON.stringify(text)}`;
    const [given, wanted] = await within(shown, Promise.all([ours(index), reference(index)]));
    if ('refusal' in given && 'refusal' in wanted) {
      refused++;
    } else if ('refusal' in given || 'refusal' in wanted) {
      const reasons = 'refusal' in given ? strict : lenient;
      const reason = Object.keys(reasons).find((name) => reasons[name]?.(text));
      expect(reason, `${JSON.stringify([given, wanted])} for ${shown}`).toBeDefined();
    } else {
      expect(given, shown).toEqual(wanted);
      equal++;
    }
  };
  const queue = [...responses.keys()];
  const work = async () => {
    for (let index = queue.pop(); index !== undefined; index = queue.pop()) await compare(index);
  };
  await Promise.all(Array.from({ length: 30 }, work));
  // The generator does not make rubbish only.
  expect(equal).toBeGreaterThan(count / 3);
  expect(refused).toBeGreaterThan(count / 5);
});

test('a response gives the same in any chunks', () => {
  const random = new Random(12);
  for (let round = 0; round < 3_000; round++) {
    const valid = randomResponse(random);
    const text = random.below(2) > 0 ? randomlyBroken(random, valid) : valid;
    const { header, end, ...whole } = parse([text], true);
    const pieces = randomPieces(random, text);
    const { header: otherHeader, end: otherEnd, ...other } = parse(pieces, true);
    // What follows the end is told with it, or refused by itself.
    const excess = end === 'excess' || otherEnd === 'excess';
    if (excess) other.error = whole.error;
    expect(other, JSON.stringify(pieces)).toEqual(whole);
    expect(otherEnd === null, JSON.stringify(pieces)).toBe(end === null);
    for (const name of randomHeaderNames) expect(otherHeader(name)).toBe(header(name));
  }
});

test('rubbish is refused or incomplete, and throws nothing else', () => {
  const random = new Random(13);
  const starts = [
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
  ];
  for (let round = 0; round < 5_000; round++) {
    const letters = random.pick(['\r\n', '\r\n :0', '\0\n', ' \t\r\n,;', null]);
    const rubbish = Array.from({ length: random.below(200) }, () =>
      letters === null ? String.fromCharCode(random.below(256)) : letters[random.below(letters.length)],
    );
    const text = random.pick(starts) + rubbish.join('');
    // `parse` lets every error through that is no HttpFramingError.
    const { status, end } = parse(randomPieces(random, text), random.below(2) > 0);
    if (end !== null) expect(status).toBe(200);
  }
});
