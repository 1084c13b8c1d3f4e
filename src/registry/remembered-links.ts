import { RecentValues } from '../runtime/recent-values.ts';

/** Half of the most links. */
const maxLinks = 5_000;
/** Longer URIs are not remembered. */
const maxUriChars = 2_048;

/** Which upstream has handed out a link to a resource: of the latest links. */
export class RememberedLinks {
  readonly #names = new RecentValues<string>(maxLinks);

  /** @param upstream replaces another one that handed out the same link */
  add(uri: string, { name }: { readonly name: string }): void {
    if (uri.length <= maxUriChars && this.#names.get(uri) !== name) this.#names.set(uri, name);
  }

  /** The name of the upstream that has last handed out the link. */
  get(uri: string): string | undefined {
    return this.#names.get(uri);
  }
}
