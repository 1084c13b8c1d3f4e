import { ObjectText } from '../../json/object.ts';
import { TooManyError } from '../../json/scan.ts';
import type { Catalog, CatalogEntry, Offer } from '../../registry/catalog.ts';
import { nextTurn } from '../../runtime/event-loop.ts';

/** A tool, and what its description costs a client. */
export interface ToolRow {
  /** As clients of the whole gateway know it. */
  readonly name: string;
  readonly server: string;
  readonly title: string | null;
  /** The first line of the description. */
  readonly description: string;
  /** The bytes of name, description and schemas, as they are listed. */
  readonly bytes: number;
  /** An estimate for models: a quarter of the bytes. */
  readonly tokens: number;
}

/** How long tools may keep other work waiting. */
const maxTurnMs = 5;
/** Longer lines are cut. */
const maxShownChars = 200;

/** Knows how large tools are. Each list of an upstream is measured once. */
export class ToolSizes {
  readonly #rows = new WeakMap<Offer, Promise<readonly ToolRow[]>>();

  /** The tools that clients see, in the order of the list. */
  async rows(catalog: Catalog): Promise<ToolRow[]> {
    const all = await Promise.all(catalog.offers.map((offer) => this.#rowsOf(offer)));
    const { duplicates } = catalog;
    if (duplicates.length === 0) return all.flat();
    const hidden = new Set(duplicates);
    return catalog.offers.flatMap(({ entries }, index) =>
      all[index]!.filter((_, at) => !hidden.has(entries[at] as CatalogEntry)),
    );
  }

  #rowsOf(offer: Offer): Promise<readonly ToolRow[]> {
    let rows = this.#rows.get(offer);
    if (rows === undefined) {
      rows = measure(offer);
      this.#rows.set(offer, rows);
    }
    return rows;
  }
}

async function measure({ entries }: Offer): Promise<ToolRow[]> {
  const rows: ToolRow[] = [];
  let startMs = performance.now();
  for (const entry of entries) {
    rows.push(rowOf(entry));
    if (performance.now() - startMs < maxTurnMs) continue;
    await nextTurn();
    startMs = performance.now();
  }
  return rows;
}

function rowOf({ name, upstream, item }: CatalogEntry): ToolRow {
  const server = upstream.name;
  const text = item.before + item.nameText + item.after;
  try {
    const tool = new ObjectText(text);
    const description = tool.string('description') ?? '';
    const schemas = (tool.member('inputSchema') ?? '') + (tool.member('outputSchema') ?? '');
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(description) + Buffer.byteLength(schemas);
    const title = tool.string('title') ?? tool.object('annotations')?.string('title') ?? null;
    return { name, server, title: title && clip(title), description: clip(description), ...costs(bytes) };
  } catch (error) {
    if (!(error instanceof TooManyError)) throw error;
    return { name, server, title: null, description: '', ...costs(Buffer.byteLength(text)) };
  }
}

function costs(bytes: number): { bytes: number; tokens: number } {
  return { bytes, tokens: Math.ceil(bytes / 4) };
}

/** The first line that says something, without what terminals act on. */
function clip(text: string): string {
  const [line = ''] = text.trimStart().split(/[\r\n\u2028\u2029]/, 1);
  const safe = line.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return safe.length <= maxShownChars ? safe : `${safe.slice(0, maxShownChars - 1).toWellFormed()}…`;
}
