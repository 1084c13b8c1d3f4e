// The named character references of HTML, found by a hash, so that a search needs no text of the name.

/** The hash of a name to the code of its character. HTML, 13.5: the references for ASCII characters. */
export const namedReferences = new Map(
  Object.entries({
    Tab: '\t',
    NewLine: '\n',
    excl: '!',
    quot: '"',
    QUOT: '"',
    num: '#',
    dollar: '$',
    percnt: '%',
    amp: '&',
    AMP: '&',
    apos: "'",
    lpar: '(',
    rpar: ')',
    ast: '*',
    plus: '+',
    comma: ',',
    period: '.',
    sol: '/',
    colon: ':',
    semi: ';',
    lt: '<',
    LT: '<',
    equals: '=',
    gt: '>',
    GT: '>',
    quest: '?',
    commat: '@',
    lsqb: '[',
    lbrack: '[',
    bsol: '\\',
    rsqb: ']',
    rbrack: ']',
    Hat: '^',
    lowbar: '_',
    grave: '`',
    lcub: '{',
    lbrace: '{',
    verbar: '|',
    vert: '|',
    rcub: '}',
    rbrace: '}',
    nbsp: '\u00a0',
  }).map(([name, text]) => [
    [...name].reduce((hash, char) => extendNameHash(hash, char.charCodeAt(0)), 0),
    text.charCodeAt(0),
  ]),
);

/** Extends the hash of a name, which begins at 0, by a code unit. */
export function extendNameHash(hash: number, code: number): number {
  return (hash * 31 + code) | 0;
}
