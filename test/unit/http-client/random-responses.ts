import type { Random } from '../../support/random.ts';

/** The bytes of a response, of one character each: mostly valid, and in all the ways that servers write them. */
export function randomResponse(random: Random): string {
  const eol = random.below(12) === 0 ? '\n' : '\r\n';
  let text = '';
  while (random.below(8) === 0) {
    const interim = random.pick(['100 Continue', '102 Processing', '103 Early Hints', '199 ']);
    text += `HTTP/1.1 ${interim}${eol}${random.pick(['', `Link: <x>${eol}`])}${eol}`;
  }
  const version = random.pick(['1.1', '1.1', '1.1', '1.1', '1.0']);
  const status = random.pick([
    '200 OK',
    '200',
    '202 Accepted',
    '204 No',
    '304 Same',
    '404 Nö',
    '500 ',
    '999 x',
  ]);
  const lines = [`HTTP/${version} ${status}`];
  const body = randomBody(random);
  const framing = random.pick(['length', 'length', 'chunks', 'chunks', 'close', 'both', 'lengths', 'gzip']);
  const length = random.pick([String(body.length), `00${body.length}`]);
  const headers: string[] = [];
  if (['length', 'both', 'lengths'].includes(framing))
    headers.push(`${anyCase(random, 'Content-Length')}: ${length}`);
  if (framing === 'lengths')
    headers.push(random.pick([`Content-Length: ${length}`, `Content-Length:\t${length} `]));
  const chunked = framing === 'chunks' || framing === 'both' || framing === 'gzip';
  if (chunked) {
    const coding = `${framing === 'gzip' ? 'gzip, ' : ''}${random.pick(['chunked', 'Chunked'])}`;
    headers.push(`${anyCase(random, 'Transfer-Encoding')}: ${coding}`);
  }
  for (let count = random.below(5); count > 0; count--) headers.push(randomHeader(random));
  while (headers.length > 0) lines.push(...headers.splice(random.below(headers.length), 1));
  text += lines.map((line) => line + eol).join('') + eol;
  if (/^(204|304)/.test(status)) return text;
  return text + (chunked ? inChunks(random, body) : body);
}

const oddities = [
  ': ',
  ':',
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ',',
  ';',
  '0',
  '1',
  'f',
  '\x7f',
  '\xa0',
  '\xff',
  '\r\n\r\n',
  '\r\n ',
];

/** The same with a few faults in it: bytes that are others, or missing, or too many, or the rest missing. */
export function randomlyBroken(random: Random, text: string): string {
  let broken = text;
  // The head and the first chunks, for the rest is hardly of interest.
  const reach = Math.min(text.length, 300);
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(reach);
    const kind = random.below(8);
    if (kind === 0) broken = broken.slice(0, random.below(broken.length));
    else if (kind === 1) broken = broken.slice(0, at) + broken.slice(at + 1 + random.below(3));
    else if (kind === 2)
      broken += random.pick(['x', '\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx']);
    else {
      const oddity = kind < 7 ? random.pick(oddities) : String.fromCharCode(random.below(256));
      broken = broken.slice(0, at) + oddity + broken.slice(at + random.below(2));
    }
  }
  return broken;
}

/** The text in pieces of random lengths, at most `count` of them. */
export function randomPieces(random: Random, text: string, count = text.length): string[] {
  const pieces: string[] = [];
  const least = Math.ceil(text.length / count);
  const most = random.pick([2, 10, 100, 5_000]);
  for (let at = 0; at < text.length; ) {
    const next = at + least + random.below(most);
    pieces.push(text.slice(at, next));
    at = next;
  }
  return pieces;
}

function randomBody(random: Random): string {
  const length = random.pick([0, 1, random.below(50), random.below(50), random.below(20_000)]);
  const unit = random.pick(['a', '\r\n', '0\r\n\r\n', '{"a":1}', '\xe2\x82\xac', '\0']);
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}

function inChunks(random: Random, body: string): string {
  let text = '';
  const most = random.pick([1, 7, 300, 30_000]);
  // The many chunks of a long body teach nothing new.
  const least = Math.ceil(body.length / 200);
  for (let at = 0; at < body.length; ) {
    const chunk = body.slice(at, at + least + random.below(most));
    if (chunk === '') continue;
    const size = random.pick([chunk.length.toString(16), chunk.length.toString(16).toUpperCase()]);
    const extension = random.below(5) === 0 ? random.pick([';x', ';x=1', ';x="a b"']) : '';
    text += `${random.below(9) === 0 ? '00' : ''}${size}${extension}\r\n${chunk}\r\n`;
    at += chunk.length;
  }
  return `${text}${random.pick(['0', '000', '0;x'])}\r\n${random.pick(['', '', 'X-Sum: 1\r\n', 'X-A: 1\r\nX-B: 2\r\n'])}\r\n`;
}

/** The names that the headers of {@link randomResponse} have, in lower case. */
export const randomHeaderNames = [
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'content-type',
  'x-a',
  'x-empty',
  'set-cookie',
  'link',
  'x-sum',
];

function randomHeader(random: Random): string {
  return random.pick([
    'Connection: close',
    'Connection: keep-alive, x',
    'Keep-Alive: timeout=5, max=100',
    'Content-Type: text/plain; charset=utf-8',
    'X-A: 1',
    'x-a:2',
    'X-A:   blanks in front\t',
    'X-A: caf\xc3\xa9',
    'X-A: \xe4',
    'X-A: a: b, "c"',
    'X-Empty:',
    'X-Empty:  ',
    'Set-Cookie: a=1; Path=/',
    'Set-Cookie: b=2, 3',
  ]);
}

function anyCase(random: Random, name: string): string {
  return random.pick([name, name.toLowerCase(), name.toUpperCase()]);
}
