/**
 * Splits a command line of a unit as systemd does (systemd.syntax(7), Quoting; systemd.service(5), Command lines; systemd.unit(5),
 * Specifiers): for tests that run it without systemd. `$` and `%` may only be doubled.
 */
export function systemdWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === ' ') {
      at += 1;
      continue;
    }
    let word = '';
    let quote = '';
    for (; at < line.length && (quote !== '' || line[at] !== ' '); at += 1) {
      const character = line[at] as string;
      if (character === '\\') {
        at += 1;
        if (!/[\\"' ]/.test(line[at] ?? '')) throw new Error(`unknown escape \\${line[at]}`);
        word += line[at];
      } else if (quote !== '' ? character === quote : /["']/.test(character)) quote = quote ? '' : character;
      else word += character;
    }
    if (quote !== '') throw new Error('unclosed quote');
    const isProgram = words.length === 0;
    words.push(undouble(isProgram ? word : undouble(word, '$'), '%'));
  }
  return words;
}

function undouble(word: string, sign: '$' | '%'): string {
  const parts = word.split(sign + sign);
  if (parts.some((part) => part.includes(sign))) throw new Error(`${sign} in ${word} means something`);
  return parts.join(sign);
}
