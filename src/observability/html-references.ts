/** The names of the references for ASCII characters, each with its character at its end. HTML, 13.5. */
const references =
  'Tab\t NewLine\n excl! quot" QUOT" num# dollar$ percnt% amp& AMP& apos\' lpar( rpar) ast* plus+ comma, period. sol/ ' +
  'colon: semi; lt< LT< equals= gt> GT> quest? commat@ lsqb[ lbrack[ bsol\\ rsqb] rbrack] Hat^ lowbar_ grave` ' +
  'lcub{ lbrace{ verbar| vert| rcub} rbrace} nbsp\u00a0';

/** The hash of a name, which saves a search the text of the name, to the code of its character. */
export const namedReferences = new Map(
  references.split(' ').map((reference) => {
    const name = [...reference].slice(0, -1);
    const hash = name.reduce((hash, char) => extendNameHash(hash, char.charCodeAt(0)), 0);
    return [hash, reference.charCodeAt(name.length)];
  }),
);

/** Extends the hash of a name, which begins at 0, by a code unit. */
export function extendNameHash(hash: number, code: number): number {
  return (hash * 31 + code) | 0;
}
