import { longValues, maxShortChars } from '../../json/long-values.ts';
import { ObjectText } from '../../json/object.ts';
import { eachElement, TooManyError } from '../../json/scan.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { nextTurn } from '../../runtime/event-loop.ts';
import { textOf } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import { mendedTool, ToolMisfit } from './tool-shape.ts';

/** Bounds of a tool list: an upstream that pages for ever, or without end, is refused. */
const maxToolPages = 1_000;
const maxTools = 100_000;
const maxToolListChars = 64 * 1024 * 1024;
/** A longer description is left out: nobody can use it, and to look at it would take too long. */
const maxToolChars = 1024 * 1024;
/** A longer cursor is none that a server means: it would go back there, and be kept, for each page. */
const maxCursorChars = 65_536;
/** As much of a tool's name as is quoted. */
const maxNameChars = 100;

/** A tool as its upstream describes it. */
export interface Item {
  readonly name: string;
  /** The JSON text of the name. */
  readonly nameText: string;
  /** The JSON text of the whole description, in two parts: what stands before the name, which is there once, and after it. */
  readonly before: string;
  readonly after: string;
  /** Annotated as read-only or idempotent: a call of it may be sent again. MCP 2025-11-25, ToolAnnotations. */
  readonly isRepeatable: boolean;
}

/** As many faults are told in words; the rest is counted. */
const maxFaultsTold = 5;
/** How long the tools of one page may keep all else waiting. */
const maxTurnMs = 5;

/**
 * The tools of an upstream, put together from the pages on which it lists them. MCP 2025-11-25, Pagination.
 *
 * One bad element takes no other one away: a tool that clients would refuse is left out, and a list that cannot be gone
 * on with ends there.
 */
export class ItemList {
  readonly #tools = new Map<string, Item>();
  readonly #cursors = new Set<string>();
  readonly #faults: string[] = [];
  #faultCount = 0;
  #listed = 0;
  #pages = 0;
  #chars = 0;

  get pages(): number {
    return this.#pages;
  }

  tools(): Item[] {
    return [...this.#tools.values()];
  }

  /** What of the list was passed over and why, in words that hold what the upstream sent; null: nothing was. */
  faults(): string | null {
    if (this.#faultCount === 0) return null;
    const more = this.#faultCount - this.#faults.length;
    return this.#faults.join('; ') + (more === 0 ? '' : `; and ${more} more`);
  }

  /**
   * Takes the next page. Resolves to the JSON text of the params that ask for the one after it, or to null where it was
   * the last. Rejects with an {@link UpstreamFailure} of kind `protocol` for what is no page, and beyond the bounds.
   */
  async add(answer: ResponseMessage): Promise<string | null> {
    const text = textOf(answer.payload);
    const page = await pageIn(text);
    this.#pages++;
    this.#chars += text.length;
    if (this.#chars > maxToolListChars)
      throw refused(`lists its tools in more than ${maxToolListChars} characters`);
    await this.#addTools(page.member('tools'));
    const cursorText = page.member('nextCursor') ?? 'null';
    const cursor = page.string('nextCursor');
    // Some servers end with an empty cursor, or with null, in place of none.
    if (cursorText === 'null' || cursor === '') return null;
    if (cursor === undefined) return this.#endsWith('its nextCursor is no string');
    if (cursor.length > maxCursorChars)
      return this.#endsWith(`its nextCursor has more than ${maxCursorChars} characters`);
    if (this.#cursors.has(cursor)) return this.#endsWith('it repeats a cursor');
    if (this.#pages === maxToolPages) throw refused(`lists its tools on more than ${maxToolPages} pages`);
    this.#cursors.add(cursor);
    return JSON.stringify({ cursor });
  }

  /** The next page is not to be had. */
  endsBefore(fault: string): void {
    this.#fault(`the list ends with page ${this.#pages}, for the next one is not to be had: ${fault}`);
  }

  #endsWith(fault: string): null {
    this.#fault(`the list ends with page ${this.#pages}, for ${fault}`);
    return null;
  }

  async #addTools(listText: string | undefined): Promise<void> {
    // An array without elements is an object in some languages.
    if (listText === undefined || listText === 'null' || /^\{\s*\}$/.test(listText)) return;
    if (this.#pages > 1 && !listText.startsWith('[')) {
      this.#fault(`page ${this.#pages} is passed over: it holds no list of tools`);
      return;
    }
    let turnEndMs = performance.now() + maxTurnMs;
    for (const text of await elementsOf(listText)) {
      this.#add(text);
      if (this.#tools.size > maxTools) throw refused(`lists more than ${maxTools} tools`);
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      turnEndMs = performance.now() + maxTurnMs;
    }
  }

  #add(text: string): void {
    this.#listed++;
    try {
      if (text.length > maxToolChars) throw new TooManyError(maxToolChars, 'characters');
      const { tool, schemaFault } = mendedTool(text);
      const name = tool.string('name') as string;
      if (name === '') throw new ToolMisfit('its name is empty');
      if (this.#tools.has(name)) throw new ToolMisfit('another one has its name');
      const annotations = tool.object('annotations');
      const isTrue = (hint: string) => annotations?.member(hint) === 'true';
      const [before, after] = tool.around('name');
      this.#tools.set(name, {
        name,
        nameText: JSON.stringify(name),
        before,
        after,
        isRepeatable: isTrue('readOnlyHint') || isTrue('idempotentHint'),
      });
      if (schemaFault !== null)
        this.#fault(`the outputSchema of ${titleOf(text)} is left out: ${schemaFault}`);
    } catch (error) {
      const number = `number ${this.#listed}`;
      if (error instanceof TooManyError) this.#fault(`${number} is left out: it has ${error.message}`);
      else if (error instanceof ToolMisfit)
        this.#fault(`${titleOf(text) ?? number} is left out: ${error.message}`);
      else throw error;
    }
  }

  #fault(text: string): void {
    this.#faultCount++;
    if (this.#faults.length < maxFaultsTold) this.#faults.push(text);
  }
}

/** A page, of which nothing was gone through that is long: the tools are, one by one. */
async function pageIn(text: string): Promise<ObjectText> {
  if (text.length <= maxShortChars) return new ObjectText(text);
  return new ObjectText(text, 0, await longValues(text, 0, '', 1));
}

/** The tools of a list. A long one was gone through in slices before; here each tool is cut out when it is asked for. */
async function elementsOf(listText: string): Promise<Iterable<string>> {
  if (!listText.startsWith('[')) throw refused('answered tools/list without a list of tools');
  if (listText.length <= maxShortChars) return eachElement(listText);
  try {
    return eachElement(listText, await longValues(listText, maxTools, 'tools', 0));
  } catch (error) {
    throw error instanceof TooManyError ? refused(`lists more than ${maxTools} tools`) : error;
  }
}

/** How the fault of a tool names it, or undefined where it has no name. */
function titleOf(text: string): string | undefined {
  const name = ObjectText.of(text)?.string('name');
  return name ? JSON.stringify(name.slice(0, maxNameChars)) : undefined;
}

function refused(why: string): UpstreamFailure {
  return new UpstreamFailure('protocol', why);
}
