import { ObjectText } from '../../json/object.ts';
import { type Kind, kinds } from '../../protocol/kinds.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import { type Item, ItemList } from '../items/item-list.ts';
import { isRefusal, type OwnRequests } from './own-requests.ts';

/** The JSON text of the params that ask for the first page of a list. */
const firstPage = '{}';

/** The listing of the items of one kind in a session, which is also how the session is checked. */
export class Listing {
  readonly #kind: Kind;
  readonly #era: Era;
  readonly #requests: OwnRequests;
  /** Whether the upstream declares items of this kind, or listed them before. */
  #isDeclared: boolean;
  /** Whether it may have some: some servers list tools that they do not declare. */
  #isPossible: boolean;
  /** The number of items that it listed last; null: it listed none yet. */
  #count: number | null = null;
  #ttlMs: number | null = null;

  constructor(kind: Kind, era: Era, requests: OwnRequests, isDeclared: boolean) {
    this.#kind = kind;
    this.#era = era;
    this.#requests = requests;
    this.#isDeclared = isDeclared;
    this.#isPossible = isDeclared || kind === 'tools';
  }

  /** How long the last list stays fresh by the server's own word, the least of its pages; null: it has not said. */
  get ttlMs(): number | null {
    return this.#ttlMs;
  }

  /** The upstream says that its items have changed. */
  changed(): void {
    this.#isPossible = true;
  }

  /**
   * Asks for the first page, or sends a ping if there are no items. Rejects with an {@link UpstreamFailure} also if the upstream
   * answers with an error, in which a server may say that it has lost the session.
   */
  async check(timeoutMs: number, signal: Signal): Promise<void> {
    if (!this.#isPossible) return this.#requests.ping(timeoutMs, signal);
    const { payload } = await this.#page(firstPage, timeoutMs, signal);
    freePayload(payload);
  }

  /**
   * Lists all items, page by page. An upstream that declares none and refuses to list them is sent a ping instead, because the
   * listing is the health check.
   * @param vet throws a `Misfit` for an item that the session cannot use
   */
  async list(
    pageTimeoutMs: number,
    timeoutMs: number,
    signal: Signal,
    vet?: (item: ObjectText) => void,
  ): Promise<ListedItems> {
    const list = new ItemList(this.#kind, this.#era, vet);
    this.#ttlMs = null;
    try {
      if (this.#isPossible) await this.#addPages(list, pageTimeoutMs, timeoutMs, signal);
    } catch (error) {
      if (this.#isDeclared || list.pages > 0 || !isRefusal(error)) throw error;
      this.#isPossible = false;
    }
    this.#isDeclared = this.#isPossible;
    if (!this.#isPossible && this.#kind === 'tools') await this.#requests.ping(pageTimeoutMs, signal);
    const items = list.items();
    this.#count = items.length;
    return { items, faults: list.faults() };
  }

  async #addPages(list: ItemList, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    for (let params: string | null = firstPage; params !== null; ) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        const found = `${list.pages} pages came within ${timeoutMs / 1000} s`;
        throw new UpstreamFailure('timeout', `did not list all of its ${kinds[this.#kind].nouns}: ${found}`);
      }
      const page = await this.#page(params, Math.ceil(Math.min(pageTimeoutMs, leftMs)), signal).catch(
        (error) => {
          // An earlier list is better than a part of one.
          if (this.#count !== null || list.pages === 0 || !isRefusal(error) || error.loss) throw error;
          list.endBefore(error.message);
          return null;
        },
      );
      if (page === null) return;
      // Zero, which is also what a server says that knows no time, does not ask for haste.
      if (page.cache && page.cache.ttlMs > 0)
        this.#ttlMs = Math.min(this.#ttlMs ?? Number.POSITIVE_INFINITY, page.cache.ttlMs);
      try {
        params = await list.add(page);
      } finally {
        freePayload(page.payload);
      }
    }
  }

  async #page(params: string, timeoutMs: number, signal: Signal): Promise<ResponseMessage> {
    const { listMethod, itemsKey } = kinds[this.#kind];
    const answer = await this.#requests.ask(listMethod, params, timeoutMs, signal);
    if (answer.error) {
      freePayload(answer.payload);
      throw this.#requests.refusal(`to list its ${kinds[this.#kind].nouns}`, answer.error);
    }
    // A server that had items and now answers something else has lost the session. Long answers are lists.
    const mustList = this.#count && params === firstPage && typeof answer.payload === 'string';
    if (mustList && new ObjectText(textOf(answer.payload)).member(itemsKey) === undefined)
      throw new UpstreamFailure(
        'protocol',
        `answered ${listMethod} without a list of ${kinds[this.#kind].nouns}`,
      );
    return answer;
  }
}

/** The items of a list. */
interface ListedItems {
  readonly items: Item[];
  /** What the list left out and why, in words of the upstream; null: nothing. */
  readonly faults: string | null;
}
