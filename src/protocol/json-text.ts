/**
 * Works on the text of JSON values, so that what the gateway need not look at is passed on as it came:
 * numbers beyond 2^53, key order and escapes survive, and nothing is serialized twice.
 *
 * Every function here takes text that JSON.parse has accepted; on other text the result is unspecified,
 * but the functions still end. None recurses, so depth is no danger.
 */

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function skipSpace(text: string, at: number): number {
  let i = at;
  while (isSpace(text.charCodeAt(i))) i++;
  return i;
}

/** The index after the string that begins with the quote at `at`. */
function skipString(text: string, at: number): number {
  let from = at + 1;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end + 1;
    from = end + 1;
  }
}

/** The index after the value that begins at `at`. */
function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return skipString(text, at);
  let i = at;
  if (first !== openBrace && first !== openBracket) {
    while (i < text.length) {
      const code = text.charCodeAt(i);
      if (code === comma || code === closeBrace || code === closeBracket || isSpace(code)) break;
      i++;
    }
    return i;
  }
  let depth = 0;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      i = skipString(text, i);
      continue;
    }
    i++;
    if (code === openBrace || code === openBracket) depth++;
    else if ((code === closeBrace || code === closeBracket) && --depth === 0) break;
  }
  return i;
}

/**
 * Calls `visit` for each member of the object whose text this is, in order: with its decoded key, and where in the
 * text its value stands. A repeated key comes as often as it stands there.
 */
export function eachMember(object: string, visit: (key: string, start: number, end: number) => void): void {
  let i = skipSpace(object, skipSpace(object, 0) + 1);
  while (i < object.length && object.charCodeAt(i) === quote) {
    const keyEnd = skipString(object, i);
    const rawKey = object.slice(i + 1, keyEnd - 1);
    const key = rawKey.includes('\\') ? (JSON.parse(object.slice(i, keyEnd)) as string) : rawKey;
    const start = skipSpace(object, skipSpace(object, keyEnd) + 1);
    const end = skipValue(object, start);
    visit(key, start, end);
    i = skipSpace(object, end);
    if (object.charCodeAt(i) !== comma) break;
    i = skipSpace(object, i + 1);
  }
}

/** The text of the member `name`, or undefined. Of a repeated key the last counts, as it does for JSON.parse. */
export function memberText(object: string, name: string): string | undefined {
  let text: string | undefined;
  eachMember(object, (key, start, end) => {
    if (key === name) text = object.slice(start, end);
  });
  return text;
}

/** The texts of the elements of the array whose text this is. */
export function elements(array: string): string[] {
  const found: string[] = [];
  let i = skipSpace(array, skipSpace(array, 0) + 1);
  while (i < array.length && array.charCodeAt(i) !== closeBracket) {
    const end = skipValue(array, i);
    found.push(array.slice(i, end));
    i = skipSpace(array, end);
    if (array.charCodeAt(i) !== comma) break;
    i = skipSpace(array, i + 1);
  }
  return found;
}

/**
 * The object's text with the member `name` set to the text `value`; all else stays as it came, to the last blank. A
 * repeated member is changed wherever it stands; one that was absent is appended.
 */
export function withMember(object: string, name: string, value: string): string {
  let changed = '';
  let at = 0;
  let empty = true;
  eachMember(object, (key, start, end) => {
    empty = false;
    if (key !== name) return;
    changed += object.slice(at, start) + value;
    at = end;
  });
  if (at > 0) return changed + object.slice(at);
  const close = object.lastIndexOf('}');
  return `${object.slice(0, close)}${empty ? '' : ','}${JSON.stringify(name)}:${value}}`;
}
