const quote = 0x22;
const backslash = 0x5c;
/** Up to this length a loop is faster than starting a regular expression. */
const maxLoopChars = 24;
/** The end of a string, an escape, or a control character, which is invalid. RFC 8259, 7. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the target, and the inverse is slow.
const special = /["\\\0-\x1f]/g;

/** The error for a JSON text in which the character at `at` is not allowed. */
export function unexpected(text: string, at: number): SyntaxError {
  const found = at < text.length ? `${JSON.stringify(text.charAt(at))} at offset ${at}` : 'end of text';
  return new SyntaxError(`invalid JSON: unexpected ${found}`);
}

/**
 * The index after the string whose opening quote is at `at`. Throws a SyntaxError if the string is invalid.
 *
 * Not a single regular expression: one that knows escapes fails on a string with millions of them.
 */
export function skipString(text: string, at: number): number {
  return skipStringFrom(text, at + 1, text.length);
}

/**
 * Like {@link skipString}, starting at `from` within the string. If an escape ends after `limit`, the scan stops there
 * and returns the inverted index (~).
 */
export function skipStringFrom(text: string, from: number, limit: number): number {
  for (let i = from; ; ) {
    i = specialFrom(text, i);
    const code = text.charCodeAt(i);
    if (code === quote) return i + 1;
    if (code !== backslash) throw unexpected(text, i);
    i = skipEscape(text, i);
    if (i > limit) return ~i;
  }
}

/** The index of the next special character, or the end of the text. */
function specialFrom(text: string, from: number): number {
  const near = Math.min(from + maxLoopChars, text.length);
  for (let i = from; i < near; i++) {
    const code = text.charCodeAt(i);
    if (code === quote || code === backslash || code < 0x20) return i;
  }
  special.lastIndex = near;
  return special.test(text) ? special.lastIndex - 1 : text.length;
}

/** The index after the escape whose backslash is at `at`. */
function skipEscape(text: string, at: number): number {
  switch (text.charCodeAt(at + 1)) {
    case quote:
    case backslash:
    case 0x2f: // The slash, and b, f, n, r, t.
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2;
    case 0x75: {
      let i = at + 2;
      while (i < at + 6 && isHexDigit(text.charCodeAt(i))) i++;
      if (i === at + 6) return i;
    }
  }
  throw new SyntaxError(`invalid JSON: invalid escape at offset ${at}`);
}

function isHexDigit(code: number): boolean {
  const letter = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}
