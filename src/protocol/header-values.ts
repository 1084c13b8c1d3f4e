/** The two ends of a header value that is Base64 of UTF-8. MCP 2026-07-28, Streamable HTTP, Value Encoding. */
const encodedStart = '=?base64?';
const encodedEnd = '?=';
/** Whole groups of four, padded. RFC 4648, 4. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Visible ASCII, with blanks inside only. RFC 9110, 5.5. */
const plain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The header value for a text: the text itself, or encoded if it could not be told or sent as it is. */
export function encodeHeaderValue(text: string): string {
  if (plain.test(text) && !isEncoded(text)) return text;
  return encodedStart + Buffer.from(text).toString('base64') + encodedEnd;
}

/** The text of a header value, or null if it is badly encoded. */
export function decodeHeaderValue(value: string): string | null {
  if (!isEncoded(value)) return isPlain(value) ? value : null;
  const encoded = value.slice(encodedStart.length, -encodedEnd.length);
  if (!base64.test(encoded)) return null;
  const bytes = Buffer.from(encoded, 'base64');
  // Bits behind the last byte must be zero, so that each text has one encoding.
  if (bytes.toString('base64') !== encoded) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function isEncoded(value: string): boolean {
  return (
    value.length >= encodedStart.length + encodedEnd.length &&
    value.startsWith(encodedStart) &&
    value.endsWith(encodedEnd)
  );
}

function isPlain(value: string): boolean {
  return value === '' || plain.test(value);
}
