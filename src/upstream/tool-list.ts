import { elements } from '../protocol/json-text.ts';
import type { ResponseMessage } from '../protocol/jsonrpc.ts';
import { ObjectText } from '../protocol/object-text.ts';
import { UpstreamFailure } from './failure.ts';

/** Bounds of a tool list: an upstream that pages for ever, or without end, is refused. */
const maxToolPages = 1_000;
const maxTools = 100_000;
const maxToolListChars = 64 * 1024 * 1024;

/** A tool as its upstream describes it. */
export interface UpstreamTool {
  readonly name: string;
  /** The JSON text of the name. */
  readonly nameText: string;
  /** The JSON text of the whole description. */
  readonly text: string;
  /** Annotated as read-only or idempotent: a call of it may be sent again. MCP 2025-11-25, ToolAnnotations. */
  readonly repeatable: boolean;
}

/** The tools of an upstream, put together from the pages on which it lists them. MCP 2025-11-25, Pagination. */
export class ToolList {
  readonly #tools = new Map<string, UpstreamTool>();
  readonly #cursors = new Set<string>();
  #pages = 0;
  #chars = 0;

  get pages(): number {
    return this.#pages;
  }

  tools(): UpstreamTool[] {
    return [...this.#tools.values()];
  }

  /**
   * Takes the next page. Returns the JSON text of the params that ask for the one after it, or null where it was the
   * last. Throws an {@link UpstreamFailure} of kind `protocol` for what is no page, and beyond the bounds.
   */
  add(answer: ResponseMessage): string | null {
    const { text } = answer;
    const page = new ObjectText(text);
    addTools(this.#tools, page.member('tools'));
    this.#pages++;
    this.#chars += text.length;
    if (this.#tools.size > maxTools) throw refused(`lists more than ${maxTools} tools`);
    if (this.#chars > maxToolListChars)
      throw refused(`lists its tools in more than ${maxToolListChars} characters`);
    const cursor = page.string('nextCursor');
    // Some servers end with an empty cursor in place of none.
    if (cursor === undefined || cursor === '') return null;
    if (this.#cursors.has(cursor)) throw refused('repeats a cursor while listing its tools');
    if (this.#pages === maxToolPages) throw refused(`lists its tools on more than ${maxToolPages} pages`);
    this.#cursors.add(cursor);
    return JSON.stringify({ cursor });
  }
}

function refused(why: string): UpstreamFailure {
  return new UpstreamFailure('protocol', why);
}

function addTools(tools: Map<string, UpstreamTool>, listText: string | undefined): void {
  const texts = listText === undefined ? null : elements(listText);
  if (texts === null) throw new UpstreamFailure('protocol', 'answered tools/list without a list of tools');
  for (const text of texts) {
    const tool = ObjectText.of(text);
    const name = tool?.string('name');
    // A tool without a name cannot be called, and of two with one name only the first can.
    if (tool === undefined || name === undefined || name === '' || tools.has(name)) continue;
    const annotations = tool.object('annotations');
    const isTrue = (hint: string) => annotations?.member(hint) === 'true';
    tools.set(name, {
      name,
      nameText: JSON.stringify(name),
      text,
      repeatable: isTrue('readOnlyHint') || isTrue('idempotentHint'),
    });
  }
}
