import { HeaderFields } from './header-fields.ts';

/** The start of every response. */
const protocol = 'HTTP/1.';
const statusLine = /^HTTP\/1\.\d [1-9]\d{2}(?: [^\0\r\n]*)?\r?\n/;
/** The start of the alert with which a TLS server rejects a plain request. RFC 8446, 5.1 and 6. */
const tlsAlert = '\x15\x03';
/** The length that {@link checkBeginning} checks. */
export const beginningLength = protocol.length;
const zero = 0x30;

/** The framing of a response is invalid; its connection cannot be used any more. */
export class HttpFramingError extends Error {}

/** The head of a response. RFC 9112, 4 and 5. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderFields;
  /** Whether the connection may serve another request after this response. RFC 9112, 9.3. */
  readonly isPersistent: boolean;
  /** The length of the body in bytes; null if the head does not give it. */
  readonly contentLength: number | null;
  readonly isChunked: boolean;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly keepAlive: string | null;
  /** The values of `Set-Cookie`; null: none. */
  readonly setCookies: readonly string[] | null;
}

/** Throws an {@link HttpFramingError} for another protocol, which may never send an empty line. */
export function checkBeginning(text: string): void {
  if (!protocol.startsWith(text.slice(0, beginningLength))) throw notHttp(text);
}

/**
 * Parses a head; of an interim one (1xx) only the status. Throws an {@link HttpFramingError}.
 *
 * @param text the head including its empty line, as Latin-1
 */
export function parseHead(text: string): ResponseHead {
  if (!statusLine.test(text)) throw notHttp(text);
  const fieldsEnd = text.lastIndexOf('\n', text.length - 2) + 1;
  const headers = HeaderFields.parse(text, text.indexOf('\n') + 1, fieldsEnd);
  if (headers === null) throw new HttpFramingError('sent an invalid HTTP response: malformed header field');
  const minorVersion = digitAt(text, 7);
  const status = digitAt(text, 9) * 100 + digitAt(text, 10) * 10 + digitAt(text, 11);
  if (status === 101)
    throw new HttpFramingError('sent an invalid HTTP response: unrequested protocol switch (HTTP 101)');
  if (status < 200) return interimHead(status, headers);
  const coding = headers.get('transfer-encoding');
  const isChunked = coding !== null && endsChunked(coding);
  const length = contentLengthOf(headers.get('content-length'));
  const isEmpty = status === 204 || status === 304;
  // RFC 9112, 6.3: a transfer coding overrides a length.
  const isCoded = coding !== null && /[^,\s]/.test(coding);
  const contentLength = isEmpty ? 0 : isCoded ? null : length;
  const isFramed = isEmpty || isChunked || contentLength !== null;
  // With both headers, chunks from a version without them, or a body where none is allowed, server and client may
  // disagree on where the next response begins.
  const isAmbiguous =
    (coding !== null && (length !== null || minorVersion === 0 || isEmpty)) ||
    (status === 204 && length !== null && length > 0);
  const isPersistent = isFramed && !isAmbiguous && allowsReuse(minorVersion, headers.get('connection'));
  return {
    status,
    headers,
    isPersistent,
    contentLength,
    isChunked,
    contentType: headers.get('content-type'),
    contentEncoding: headers.get('content-encoding'),
    keepAlive: headers.get('keep-alive'),
    setCookies: headers.get('set-cookie') === null ? null : headers.all('set-cookie'),
  };
}

function interimHead(status: number, headers: HeaderFields): ResponseHead {
  const absent = { contentType: null, contentEncoding: null, keepAlive: null, setCookies: null };
  return { status, headers, isPersistent: true, contentLength: 0, isChunked: false, ...absent };
}

function digitAt(text: string, at: number): number {
  return text.charCodeAt(at) - zero;
}

function notHttp(text: string): HttpFramingError {
  if (text.startsWith(tlsAlert)) return new HttpFramingError('speaks TLS; its URL must begin with https://');
  return new HttpFramingError('sent an invalid HTTP response: not HTTP/1.1');
}

/** Whether the last of a list of codings is `chunked`. Throws if an earlier one is, too (RFC 9112, 6.1). */
function endsChunked(codings: string): boolean {
  const all = codings
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter(Boolean);
  if (all.indexOf('chunked') !== all.lastIndexOf('chunked'))
    throw new HttpFramingError('sent an invalid HTTP response: chunked twice');
  return all.at(-1) === 'chunked';
}

/** RFC 9112, 6.3: a list of equal lengths is one length. */
function contentLengthOf(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const [first, ...others] = header.split(/[ \t]*,[ \t]*/);
  if (!/^\d{1,15}$/.test(first as string) || others.some((other) => other !== first))
    throw new HttpFramingError('sent an invalid HTTP response: invalid Content-Length');
  return Number(first);
}

function allowsReuse(minorVersion: number, connection: string | null): boolean {
  if (connection === null) return minorVersion > 0;
  const lower = connection.toLowerCase();
  // As nearly every server sends it.
  if (lower === 'keep-alive') return true;
  const options = lower.split(',');
  const has = (option: string) => options.some((given) => given.trim() === option);
  return !has('close') && (minorVersion > 0 || has('keep-alive'));
}
