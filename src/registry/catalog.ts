import type { MemberEdit } from '../json/object.ts';
import type { ToolMetrics } from '../observability/upstream-metrics.ts';
import { SharedBytes } from '../runtime/owned-bytes.ts';
import type { Item } from '../upstream/items/item-list.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { qualify } from './names.ts';

/** Where calls of a tool go, and where they are counted. */
export interface ToolRoute {
  readonly upstream: Upstream;
  readonly metrics: ToolMetrics;
  /** The tool's own name. */
  readonly name: string;
  /** The same as a member of the params. */
  readonly target: MemberEdit;
  /** Whether a call may be sent again. */
  readonly isRepeatable: boolean;
}

/** A tool, and who has it. */
export interface OfferedTool {
  readonly server: string;
  readonly tool: Item;
  /** The router's, kept here so that one look finds all that a call needs; null until the first one. */
  route: ToolRoute | null;
}

/** What one upstream offers, as it was last known. */
interface Catalog {
  /** By their qualified names. */
  readonly tools: ReadonlyMap<string, OfferedTool>;
  /** The JSON texts of the tools under their qualified names, joined by commas. */
  readonly listText: string;
}

/** What all upstreams offer, merged in the order of the configuration. */
export class Registry {
  #order: readonly string[] = [];
  readonly #catalogs = new Map<string, Catalog>();
  /** The tools of all catalogs: one look finds the tool that a client calls. */
  readonly #tools = new Map<string, OfferedTool>();
  readonly #onChange: () => void;
  /** The result of tools/list in UTF-8, made when first asked for after a change. */
  #toolsList: SharedBytes | null = null;

  /** @param onChange called when the merged list has changed */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** The servers that are configured, in order; those that no longer are lose their tools. */
  setServers(order: readonly string[]): void {
    const same = order.length === this.#order.length && order.every((name, i) => name === this.#order[i]);
    if (same) return;
    const listed = (servers: readonly string[]) =>
      servers.filter((server) => this.#catalogs.get(server)?.listText);
    const before = listed(this.#order).join();
    this.#order = [...order];
    for (const server of [...this.#catalogs.keys()]) {
      if (!order.includes(server)) this.#drop(server);
    }
    if (listed(order).join() !== before) this.#changed();
  }

  /** Takes over the tools that `server` offers now. */
  setTools(server: string, tools: readonly Item[]): void {
    const before = this.#catalogs.get(server)?.listText ?? '';
    const offered = new Map<string, OfferedTool>(
      tools.map((tool) => [qualify(server, tool.name), { server, tool, route: null }]),
    );
    const texts = [...offered].map(
      ([name, { tool }]) => `${tool.before}${JSON.stringify(name)}${tool.after}`,
    );
    const listText = texts.join(',');
    this.#drop(server);
    this.#catalogs.set(server, { tools: offered, listText });
    for (const [name, tool] of offered) this.#tools.set(name, tool);
    if (listText !== before) this.#changed();
  }

  /** The tool of that qualified name, or undefined. */
  find(name: string): OfferedTool | undefined {
    return this.#tools.get(name);
  }

  /** The result of tools/list, ready to be sent. */
  toolsList(): SharedBytes {
    if (this.#toolsList === null) {
      const texts = this.#order.map((server) => this.#catalogs.get(server)?.listText).filter(Boolean);
      this.#toolsList = new SharedBytes(Buffer.from(`{"tools":[${texts.join(',')}]}`));
    }
    return this.#toolsList;
  }

  #drop(server: string): void {
    for (const name of this.#catalogs.get(server)?.tools.keys() ?? []) this.#tools.delete(name);
    this.#catalogs.delete(server);
  }

  #changed(): void {
    this.#toolsList = null;
    this.#onChange();
  }
}
