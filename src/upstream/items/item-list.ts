import { longValues, maxShortChars } from '../../json/long-values.ts';
import { ObjectText } from '../../json/object.ts';
import { eachElement, TooManyError } from '../../json/scan.ts';
import { forEachKind, type Kind, kinds } from '../../protocol/kinds.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import type { Era } from '../../protocol/versions.ts';
import { nextTurn } from '../../runtime/event-loop.ts';
import { textOf } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import { itemShapes } from './item-shapes.ts';
import { Misfit } from './misfit.ts';

/** Limits of a list. An upstream that exceeds them is refused. */
const maxPages = 1_000;
const maxItems = 100_000;
const maxListChars = 64 * 1024 * 1024;
/** Longer items are left out: nobody can use them, and to check them would take too long. */
const maxItemChars = 1024 * 1024;
/** A longer cursor is an error: it would be sent back, and kept, for each page. */
const maxCursorChars = 65_536;
/** Longer names are truncated in messages. */
const maxNameChars = 100;
/** More faults are only counted. */
const maxFaultTexts = 5;
/** How long the items of a page may keep other work waiting. */
const maxTurnMs = 5;

/** An item, such as a tool, as its upstream describes it. */
export interface Item {
  readonly name: string;
  /** The JSON text of the name. */
  readonly nameText: string;
  /** The JSON text of the item before and after its name. */
  readonly before: string;
  readonly after: string;
  /** The era in which its upstream lists it. */
  readonly era: Era;
  /** Its text before and after its name for clients of the other era; null: it is the same. */
  readonly adapted: readonly [before: string, after: string] | null;
  /** Whether a request for the item may be sent twice. */
  readonly isRepeatable: boolean;
  /** The `ui://` resource that shows a tool's results, if it names one. MCP Apps, Tool Metadata. */
  readonly uiUri: string | null;
  /** Whether a tool of the legacy era can be called as a task only. MCP 2025-11-25, Tasks, Tool-Level Negotiation. */
  readonly needsTask: boolean;
}

/** The items of an upstream. */
export type Items = Readonly<Record<Kind, readonly Item[]>>;

export const noItems: Items = forEachKind(() => []);

/**
 * The items of one kind that an upstream lists, page by page. MCP 2025-11-25, Pagination.
 *
 * A bad item does not affect the others: one that clients would refuse is left out, and a list that cannot be continued ends.
 */
export class ItemList {
  readonly #kind: Kind;
  readonly #era: Era;
  readonly #vet: ((item: ObjectText) => void) | undefined;
  readonly #items = new Map<string, Item>();
  readonly #cursors = new Set<string>();
  readonly #faults: string[] = [];
  #faultCount = 0;
  #elements = 0;
  #pages = 0;
  #chars = 0;

  /**
   * @param era in which the upstream lists the items
   * @param vet throws a `Misfit` for an item that cannot be used although clients would accept it
   */
  constructor(kind: Kind, era: Era, vet?: (item: ObjectText) => void) {
    this.#kind = kind;
    this.#era = era;
    this.#vet = vet;
  }

  get pages(): number {
    return this.#pages;
  }

  items(): Item[] {
    return [...this.#items.values()];
  }

  /** What the list left out and why, in words of the upstream; null: nothing. */
  faults(): string | null {
    if (this.#faultCount === 0) return null;
    const more = this.#faultCount - this.#faults.length;
    return this.#faults.join('; ') + (more === 0 ? '' : `; and ${more} more`);
  }

  /**
   * Adds a page. Resolves to the JSON text of the params that ask for the next one, or to null after the last. Rejects with an
   * {@link UpstreamFailure} of kind `protocol` if the answer is not a page or the list exceeds a limit.
   */
  async add(answer: ResponseMessage): Promise<string | null> {
    const text = textOf(answer.payload);
    const page = await parsePage(text);
    this.#pages++;
    this.#chars += text.length;
    if (this.#chars > maxListChars)
      throw refused(`lists its ${kinds[this.#kind].nouns} in more than ${maxListChars} characters`);
    await this.#addItems(page.member(kinds[this.#kind].itemsKey));
    const cursorText = page.member('nextCursor') ?? 'null';
    const cursor = page.string('nextCursor');
    // Some servers end a list with an empty cursor or null.
    if (cursorText === 'null' || cursor === '') return null;
    if (cursor === undefined) return this.#end('its nextCursor is not a string');
    if (cursor.length > maxCursorChars)
      return this.#end(`its nextCursor has more than ${maxCursorChars} characters`);
    if (this.#cursors.has(cursor)) return this.#end('it repeats a cursor');
    if (this.#pages === maxPages)
      throw refused(`lists its ${kinds[this.#kind].nouns} on more than ${maxPages} pages`);
    this.#cursors.add(cursor);
    return JSON.stringify({ cursor });
  }

  /** Ends the list because the next page cannot be fetched. */
  endBefore(fault: string): void {
    this.#end(`the next one cannot be fetched: ${fault}`);
  }

  #end(fault: string): null {
    this.#addFault(`the list ends with page ${this.#pages}: ${fault}`);
    return null;
  }

  async #addItems(listText: string | undefined): Promise<void> {
    // Some languages write an empty array as an object.
    if (listText === undefined || listText === 'null' || /^\{\s*\}$/.test(listText)) return;
    if (this.#pages > 1 && !listText.startsWith('[')) {
      this.#addFault(`page ${this.#pages} is left out: it holds no list of ${kinds[this.#kind].nouns}`);
      return;
    }
    let turnEndMs = performance.now() + maxTurnMs;
    for (const text of await this.#elementsOf(listText)) {
      this.#addItem(text);
      if (this.#items.size > maxItems)
        throw refused(`lists more than ${maxItems} ${kinds[this.#kind].nouns}`);
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      turnEndMs = performance.now() + maxTurnMs;
    }
  }

  /** The items in the text of a list. A long one is scanned in slices first, and each item is parsed when it is its turn. */
  async #elementsOf(listText: string): Promise<Iterable<string>> {
    if (!listText.startsWith('['))
      throw refused(`answered ${kinds[this.#kind].listMethod} without a list of ${kinds[this.#kind].nouns}`);
    if (listText.length <= maxShortChars) return eachElement(listText);
    try {
      return eachElement(listText, await longValues(listText, maxItems, kinds[this.#kind].nouns, 0));
    } catch (error) {
      throw error instanceof TooManyError
        ? refused(`lists more than ${maxItems} ${kinds[this.#kind].nouns}`)
        : error;
    }
  }

  #addItem(text: string): void {
    this.#elements++;
    try {
      if (text.length > maxItemChars) throw new TooManyError(maxItemChars, 'characters');
      const { item, adapted, isRepeatable, uiUri, needsTask, omission } = itemShapes[this.#kind](
        text,
        this.#era,
      );
      const { nameKey } = kinds[this.#kind];
      const name = item.string(nameKey) as string;
      if (name === '') throw new Misfit('its name is empty');
      if (this.#items.has(name)) throw new Misfit('another one has its name');
      this.#vet?.(item);
      const [before, after] = item.around(nameKey);
      const nameText = JSON.stringify(name);
      const era = this.#era;
      const adaptedText = adapted?.around(nameKey) ?? null;
      this.#items.set(name, {
        name,
        nameText,
        before,
        after,
        era,
        adapted: adaptedText,
        isRepeatable,
        uiUri,
        needsTask,
      });
      if (omission !== null)
        this.#addFault(`the ${omission.member} of ${this.#titleOf(text)} is left out: ${omission.fault}`);
    } catch (error) {
      const number = `number ${this.#elements}`;
      if (error instanceof TooManyError) this.#addFault(`${number} is left out: it has ${error.message}`);
      else if (error instanceof Misfit)
        this.#addFault(`${this.#titleOf(text) ?? number} is left out: ${error.message}`);
      else throw error;
    }
  }

  /** The name of an item in messages, or undefined if it has none. */
  #titleOf(text: string): string | undefined {
    const name = ObjectText.of(text)?.string(kinds[this.#kind].nameKey);
    return name ? JSON.stringify(name.slice(0, maxNameChars)) : undefined;
  }

  #addFault(text: string): void {
    this.#faultCount++;
    if (this.#faults.length < maxFaultTexts) this.#faults.push(text);
  }
}

/** A page whose long members are not parsed: the items are, one by one. */
async function parsePage(text: string): Promise<ObjectText> {
  if (text.length <= maxShortChars) return new ObjectText(text);
  return new ObjectText(text, 0, await longValues(text, 0, '', 1));
}

function refused(why: string): UpstreamFailure {
  return new UpstreamFailure('protocol', why);
}
