/** Pseudo-random numbers, the same in each run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

const texts = [
  '',
  'a',
  'name',
  '"',
  '\\',
  '\\"',
  '\\\\',
  '{}',
  '[],',
  ': ',
  '\n',
  'é',
  '😀',
  '\ud800',
  '__proto__',
];
const numbers = ['0', '-0', '1.0', '-1.5e-7', '1E+2', '12345678901234567890', '0.1000'];

/** The text of a JSON value: any kind, blanks and escapes in all places where JSON allows them. */
export function randomJson(random: Random, depth = 3): string {
  const kind = random.below(depth > 0 ? 6 : 4);
  if (kind === 0) return random.pick(['null', 'true', 'false']);
  if (kind === 1) return random.pick(numbers);
  if (kind <= 3) return randomString(random);
  const entries = Array.from({ length: random.below(4) }, () => {
    const value = `${blanks(random)}${randomJson(random, depth - 1)}${blanks(random)}`;
    return kind === 4 ? value : `${blanks(random)}${randomString(random)}${blanks(random)}:${value}`;
  });
  const inner = entries.length > 0 ? entries.join(',') : blanks(random);
  return kind === 4 ? `[${inner}]` : `{${inner}}`;
}

/** The text of a JSON object. */
export function randomJsonObject(random: Random): string {
  for (;;) {
    const text = randomJson(random, 4);
    if (text.startsWith('{')) return text;
  }
}

function randomString(random: Random): string {
  const text = random.pick(texts) + random.pick(texts);
  if (random.below(3) > 0) return JSON.stringify(text);
  const units = Array.from({ length: text.length }, (_, i) =>
    text.charCodeAt(i).toString(16).padStart(4, '0'),
  );
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

function blanks(random: Random): string {
  return random.pick(['', '', '', ' ', '\n', '\t\r\n ']);
}

/** Characters that change a JSON text, or make it invalid, when they are inserted. */
export const spoilers = [
  '"',
  '\\',
  '\n',
  '\u0000',
  '""',
  '","',
  '\\"',
  '\\\\',
  'x',
  ' ',
  '\u007f',
  ',',
  '":1,"',
];
