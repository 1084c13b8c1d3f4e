import { HeaderFields } from './header-fields.ts';

/** What every response begins with. */
const protocol = 'HTTP/1.';
const statusLine = /^HTTP\/1\.\d [1-9]\d{2}(?: [^\0\r\n]*)?\r?\n/;
/** How a server that speaks TLS begins that it does not understand us. RFC 8446, 5.1 and 6. */
const tlsAlert = '\x15\x03';
/** As much of a head as {@link checkBeginning} looks at. */
export const beginningLength = protocol.length;
/** The code of the digit 0. */
const zero = 0x30;

/** A response whose framing breaks the rules; its connection cannot be used any more. */
export class HttpFramingError extends Error {}

/** The head of a response. RFC 9112, 4 and 5. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderFields;
  /** Whether the connection may serve another request after this response. RFC 9112, 9.3. */
  readonly persistent: boolean;
  /** The length of the body in bytes, where the head tells it. */
  readonly contentLength: number | null;
  /** Whether the body comes in chunks, which tell its end. */
  readonly chunked: boolean;
  /** Header fields that are asked for of each response: a head that comes again is not searched for them again. */
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly keepAlive: string | null;
  /** The values of `Set-Cookie`; null: none. */
  readonly setCookies: readonly string[] | null;
}

/** Where a head ends, after its empty line; negative: not yet. Lines may lack their carriage return (RFC 9112, 2.2). */
export function endOfHead(text: string): number {
  const crlf = text.indexOf('\n\r\n');
  const lf = text.indexOf('\n\n');
  if (lf >= 0 && (crlf < 0 || lf < crlf)) return lf + 2;
  return crlf < 0 ? -1 : crlf + 3;
}

/** Throws {@link HttpFramingError} where this cannot be how a head begins: what speaks another protocol may never send an empty line. */
export function checkBeginning(text: string): void {
  if (!protocol.startsWith(text.slice(0, beginningLength))) throw notHttp(text);
}

/**
 * Parses a head. Of an interim one (1xx) nothing is looked at but the status. Throws {@link HttpFramingError}.
 *
 * @param text up to and with its empty line, as Latin-1
 */
export function parseHead(text: string): ResponseHead {
  const lineEnd = text.indexOf('\n');
  if (!statusLine.test(text)) throw notHttp(text);
  const headers = HeaderFields.parse(text.slice(lineEnd, text.lastIndexOf('\n', text.length - 2) + 1));
  if (headers === null) throw new HttpFramingError('answered with a malformed header');
  const minorVersion = digitAt(text, 7);
  const status = digitAt(text, 9) * 100 + digitAt(text, 10) * 10 + digitAt(text, 11);
  if (status === 101) throw new HttpFramingError('switched protocols unasked (HTTP 101)');
  if (status < 200) return interimHead(status, headers);
  const coding = headers.get('transfer-encoding');
  const chunked = coding !== null && endsChunked(coding);
  const length = contentLengthOf(headers.get('content-length'));
  const empty = status === 204 || status === 304;
  // RFC 9112, 6.3: an encoding overrides a length.
  const encoded = coding !== null && /[^,\s]/.test(coding);
  const contentLength = empty ? 0 : encoded ? null : length;
  const framed = empty || chunked || contentLength !== null;
  // Where both stand, where a version that has no chunks sends some, or where a body is announced that must not be
  // there, the two sides may not agree on what comes next.
  const suspicious =
    (coding !== null && (length !== null || minorVersion === 0 || empty)) ||
    (status === 204 && length !== null && length > 0);
  const persistent = framed && !suspicious && isPersistent(minorVersion, headers.get('connection'));
  return {
    status,
    headers,
    persistent,
    contentLength,
    chunked,
    contentType: headers.get('content-type'),
    contentEncoding: headers.get('content-encoding'),
    keepAlive: headers.get('keep-alive'),
    setCookies: headers.get('set-cookie') === null ? null : headers.all('set-cookie'),
  };
}

function interimHead(status: number, headers: HeaderFields): ResponseHead {
  const absent = { contentType: null, contentEncoding: null, keepAlive: null, setCookies: null };
  return { status, headers, persistent: true, contentLength: 0, chunked: false, ...absent };
}

function digitAt(text: string, at: number): number {
  return text.charCodeAt(at) - zero;
}

function notHttp(text: string): HttpFramingError {
  if (text.startsWith(tlsAlert)) return new HttpFramingError('speaks TLS; its URL must begin with https://');
  return new HttpFramingError('answered with something that is not HTTP/1.1');
}

/** Whether the last of a list of codings is `chunked`. Throws {@link HttpFramingError} where one before is, too (RFC 9112, 6.1). */
function endsChunked(codings: string): boolean {
  const all = codings
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter(Boolean);
  if (all.indexOf('chunked') !== all.lastIndexOf('chunked'))
    throw new HttpFramingError('sent chunks within chunks');
  return all.at(-1) === 'chunked';
}

/** RFC 9112, 6.3: a list of equal lengths is one length. Throws {@link HttpFramingError} for what is none. */
function contentLengthOf(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const [first, ...others] = header.split(/[ \t]*,[ \t]*/);
  if (!/^\d{1,15}$/.test(first as string) || others.some((other) => other !== first))
    throw new HttpFramingError('answered with an invalid Content-Length');
  return Number(first);
}

function isPersistent(minorVersion: number, connection: string | null): boolean {
  if (connection === null) return minorVersion > 0;
  const lower = connection.toLowerCase();
  // What nearly every server sends.
  if (lower === 'keep-alive') return true;
  const options = lower.split(',');
  const has = (option: string) => options.some((given) => given.trim() === option);
  return !has('close') && (minorVersion > 0 || has('keep-alive'));
}
