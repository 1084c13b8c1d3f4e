/** The links of one generation. There are two: with the second one full, the first is forgotten. */
const maxLinks = 5_000;
/** Longer URIs are not remembered. */
const maxUriChars = 2_048;

/**
 * Which upstream has handed out a link to a resource. At most 10,000 links are remembered, the latest of them for sure.
 *
 * Two maps that are dropped as a whole, because a Map keeps deleted entries reachable.
 */
export class RememberedLinks {
  #recent = new Map<string, string>();
  #older = new Map<string, string>();

  /** @param upstream replaces another one that handed out the same link */
  add(uri: string, upstream: { readonly name: string }): void {
    if (uri.length > maxUriChars || this.#recent.get(uri) === upstream.name) return;
    if (this.#recent.size >= maxLinks && !this.#recent.has(uri)) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    // A copy: a slice would keep the whole result in memory.
    this.#recent.set(Buffer.from(uri).toString(), upstream.name);
  }

  /** The name of the upstream that has last handed out the link. */
  get(uri: string): string | undefined {
    return this.#recent.get(uri) ?? this.#older.get(uri);
  }
}
