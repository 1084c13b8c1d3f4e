/** The patterns of a filter: `*` stands for any characters, all others for themselves. */
export interface FilterConfig {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Decides by its patterns which names clients may see. */
export class NameFilter {
  readonly #allow: readonly NamePattern[];
  readonly #deny: readonly NamePattern[];
  /** Whether it allows every name. */
  readonly isOpen: boolean;

  constructor({ allow, deny }: FilterConfig) {
    this.#allow = allow.map((pattern) => new NamePattern(pattern));
    this.#deny = deny.map((pattern) => new NamePattern(pattern));
    this.isOpen = deny.length === 0 && allow.includes('*');
  }

  /** Whether a pattern of `allow` and none of `deny` matches. */
  allows(name: string): boolean {
    return this.isOpen || (this.#allow.some((pattern) => pattern.matches(name)) && !this.denies(name));
  }

  denies(name: string): boolean {
    return this.#deny.some((pattern) => pattern.matches(name));
  }
}

/** One pattern, matched in a time that is linear in the length of the name. */
class NamePattern {
  /** The texts between the wildcards. */
  readonly #first: string;
  readonly #middle: readonly string[];
  /** Null if there is no wildcard. */
  readonly #last: string | null;

  constructor(pattern: string) {
    const [first = '', ...others] = pattern.split('*');
    this.#first = first;
    this.#last = others.pop() ?? null;
    this.#middle = others.filter((text) => text !== '');
  }

  matches(name: string): boolean {
    const last = this.#last;
    if (last === null) return name === this.#first;
    if (!name.startsWith(this.#first) || !name.endsWith(last)) return false;
    let at = this.#first.length;
    // The leftmost place of each text leaves the most room for the next.
    for (const text of this.#middle) {
      const found = name.indexOf(text, at);
      if (found < 0) return false;
      at = found + text.length;
    }
    return at + last.length <= name.length;
  }
}
