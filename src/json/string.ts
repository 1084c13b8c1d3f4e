const quote = 0x22;
const backslash = 0x5c;
/** So much of a string is looked at one by one: to begin with a regular expression takes as long. */
const shortLength = 24;
/** What ends a string, or needs a closer look: a quote, a backslash, a control character. RFC 8259, 7. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for, and naming the rest is slow.
const special = /["\\\0-\x1f]/g;

/**
 * The index after the string that begins with the quote at `at` in a JSON text. Throws a SyntaxError where it is none.
 *
 * Not one regular expression: those that know escapes find nothing in a string with millions of them.
 */
export function skipString(text: string, at: number): number {
  return skipStringFrom(text, at + 1, text.length);
}

/**
 * The same from `from` on, which is within the string; or where an escape ends behind `limit`, that index, inverted (~):
 * of the string there is more to come.
 */
export function skipStringFrom(text: string, from: number, limit: number): number {
  for (let i = from; ; ) {
    i = specialFrom(text, i);
    const code = text.charCodeAt(i);
    if (code === quote) return i + 1;
    if (code !== backslash) throw new SyntaxError(`a string of the JSON text breaks off at ${i}`);
    i = skipEscape(text, i);
    if (i > limit) return ~i;
  }
}

/** Where the next special character is, or the end of the text. */
function specialFrom(text: string, from: number): number {
  const near = Math.min(from + shortLength, text.length);
  for (let i = from; i < near; i++) {
    const code = text.charCodeAt(i);
    if (code === quote || code === backslash || code < 0x20) return i;
  }
  special.lastIndex = near;
  return special.test(text) ? special.lastIndex - 1 : text.length;
}

/** The index after the escape that begins with the backslash at `at`. */
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
  throw new SyntaxError(`a string of the JSON text has no valid escape at ${at}`);
}

function isHexDigit(code: number): boolean {
  const letter = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}
