import { DecodedText } from './decoded-text.ts';

/** Shorter secrets stay visible: hiding them would garble ordinary text, and the gaps would reveal them. */
const minChars = 4;
/** Shorter secrets are parts of longer words by chance: they match only between characters other than letters and digits. */
const minCharsInWord = 8;

/** The length of the anchor of a pattern, in code units. */
export const anchorChars = 4;

/** A spelling of a secret: as it is, in Base64, or in hexadecimal digits. */
interface Spelling {
  readonly codes: Uint16Array;
  readonly isBase64: boolean;
  /** Whether it matches whole words only. */
  readonly isWord: boolean;
  /** Whether it cannot be an ordinary word, such as the key of a JSON object. */
  readonly isUnmistakable: boolean;
}

/** A spelling with the offset of the code units by which a search finds it. */
export interface SecretPattern extends Spelling {
  readonly anchor: number;
}

/** The patterns to search for, for all secrets. */
export function patternsOf(secrets: Iterable<string>): SecretPattern[] {
  return anchored([...secrets].flatMap(spellingsOf));
}

function spellingsOf(value: string): Spelling[] {
  const spellings: Spelling[] = [];
  for (const secret of new Set([value, value.trim()])) {
    if (secret.length < minChars) continue;
    const isWord = secret.length < minCharsInWord;
    const isUnmistakable = !isWord && !/^\p{L}+$/u.test(secret);
    // A secret that contains an escape is decoded along with its text.
    for (const codes of [codesOf(secret), codesOf(secret, true)]) {
      if (codes.length >= minChars) spellings.push({ codes, isBase64: false, isWord, isUnmistakable });
    }
    for (const text of base64Spellings(secret)) {
      spellings.push({ codes: codesOf(text), isBase64: true, isWord: false, isUnmistakable });
    }
    // The digits of a short secret are parts of other numbers by chance.
    if (isWord) continue;
    const hex = Buffer.from(secret).toString('hex');
    for (const digits of [hex, hex.toUpperCase()])
      spellings.push({ codes: codesOf(digits), isBase64: false, isWord: false, isUnmistakable });
  }
  return spellings;
}

/** The code units of a text, decoded or not. */
function codesOf(text: string, isDecoded = false): Uint16Array {
  const decoded = new DecodedText();
  decoded.set(text, 0, text.length);
  if (isDecoded) decoded.decodeLayers(() => {});
  return decoded.codes.slice(0, decoded.length);
}

/**
 * Base64 packs three bytes into four characters, so a secret has a spelling for each of three offsets. A spelling has only the
 * characters that depend on the secret alone.
 */
function* base64Spellings(secret: string): Generator<string> {
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const ownFrom = Math.ceil((before * 8) / 6);
    const ownTo = Math.floor((bytes.length * 8) / 6);
    const own = bytes.toString('base64').slice(ownFrom, ownTo);
    yield own;
    const forUrls = own.replaceAll('+', '-').replaceAll('/', '_');
    if (forUrls !== own) yield forUrls;
  }
}

/** Anchors each spelling at its code units that are rarest among all: tokens of a kind begin alike. */
function anchored(spellings: readonly Spelling[]): SecretPattern[] {
  const counts = new Map<number, number>();
  for (const { codes } of spellings) {
    for (let at = 0; at + anchorChars <= codes.length; at++) {
      const key = keyAt(codes, at);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return spellings.map((spelling) => {
    let anchor = 0;
    let fewest = Number.POSITIVE_INFINITY;
    for (let at = 0; at + anchorChars <= spelling.codes.length; at++) {
      const count = counts.get(keyAt(spelling.codes, at)) as number;
      // The last of equals: the random part of a token comes last.
      if (count <= fewest) [anchor, fewest] = [at, count];
    }
    return { ...spelling, anchor };
  });
}

/** Shifts a code unit into a key, which holds the last four. */
export function withCode(key: number, code: number): number {
  return (key << 8) ^ code;
}

/** The key of the anchor at `at`. */
export function keyAt(codes: Uint16Array, at: number): number {
  let key = 0;
  for (let i = at; i < at + anchorChars; i++) key = withCode(key, codes[i]!);
  return key;
}
