const backslash = 0x5c;

/**
 * The index after the string that begins with the quote at `at` in a JSON text, or the text's length where it has no
 * end. Not a regular expression: those that know escapes find nothing in a string with millions of them.
 */
export function skipString(text: string, at: number): number {
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
