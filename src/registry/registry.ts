import { withMember } from '../protocol/json-text.ts';
import type { UpstreamTool } from '../upstream/legacy-session.ts';
import { qualify } from './names.ts';

/** What one upstream offers, as it was last known. */
interface Catalog {
  readonly tools: ReadonlyMap<string, UpstreamTool>;
  /** The JSON texts of the tools under their qualified names, joined by commas. */
  readonly listText: string;
}

/** What all upstreams offer, merged in the order of the configuration. */
export class Registry {
  #order: readonly string[] = [];
  readonly #catalogs = new Map<string, Catalog>();
  readonly #onChange: () => void;
  /** The result of tools/list in UTF-8, made when first asked for after a change. */
  #toolsList: Uint8Array | null = null;

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
    for (const server of this.#catalogs.keys()) {
      if (!order.includes(server)) this.#catalogs.delete(server);
    }
    if (listed(order).join() !== before) this.#changed();
  }

  /** Takes over what `server` offers now; null: nothing any more. */
  setTools(server: string, tools: readonly UpstreamTool[] | null): void {
    const before = this.#catalogs.get(server)?.listText ?? '';
    const texts = (tools ?? []).map((tool) =>
      withMember(tool.text, 'name', JSON.stringify(qualify(server, tool.name))),
    );
    const listText = texts.join(',');
    this.#catalogs.set(server, { tools: new Map((tools ?? []).map((tool) => [tool.name, tool])), listText });
    if (listText !== before) this.#changed();
  }

  /** The tool that `server` calls `tool`, or undefined. */
  find(server: string, tool: string): UpstreamTool | undefined {
    return this.#catalogs.get(server)?.tools.get(tool);
  }

  /** How many tools of `server` are listed. */
  toolsCount(server: string): number {
    return this.#catalogs.get(server)?.tools.size ?? 0;
  }

  /** The result of tools/list, ready to be sent. */
  toolsList(): Uint8Array {
    if (this.#toolsList === null) {
      const texts = this.#order.map((server) => this.#catalogs.get(server)?.listText).filter(Boolean);
      this.#toolsList = Buffer.from(`{"tools":[${texts.join(',')}]}`);
    }
    return this.#toolsList;
  }

  #changed(): void {
    this.#toolsList = null;
    this.#onChange();
  }
}
