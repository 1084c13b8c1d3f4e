import { parseConfig } from '../../src/config/load.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import type { MemberEdit } from '../../src/json/object.ts';
import { ObjectText } from '../../src/json/object.ts';
import { UpstreamMetrics } from '../../src/observability/upstream-metrics.ts';
import type { Kind } from '../../src/protocol/kinds.ts';
import type { ResponseMessage } from '../../src/protocol/messages.ts';
import type { Completion } from '../../src/runtime/completion.ts';
import type { Item } from '../../src/upstream/items/item-list.ts';
import type { UpstreamCall } from '../../src/upstream/pending-request.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';

/** @param key the member that names the item */
export function itemOf(name: string, text?: string, key = 'name', others: Partial<Item> = {}): Item {
  const [before, after] = new ObjectText(text ?? JSON.stringify({ [key]: name })).around(key);
  const nameText = JSON.stringify(name);
  return {
    name,
    nameText,
    before,
    after,
    era: 'legacy',
    adapted: null,
    isRepeatable: false,
    uiUri: null,
    needsTask: false,
    ...others,
  };
}

/** The configuration of a server. @param settings its keys as users write them */
export function serverConfigOf(name: string, settings: object = {}): ServerConfig {
  const yaml = JSON.stringify({ servers: [{ name, url: 'http://localhost/mcp', ...settings }] });
  return parseConfig(yaml, 'test', {}).config.servers[0] as ServerConfig;
}

/** A call that a {@link ListedUpstream} received. */
export interface ReceivedCall {
  readonly exchange: UpstreamCall;
  readonly target: MemberEdit | null;
  readonly isRepeatable: boolean;
  readonly done: Completion<ResponseMessage>;
}

/** An upstream without sessions, for the rooms above: it offers the items that it is given and keeps its calls. */
export class ListedUpstream {
  readonly name: string;
  readonly metrics = new UpstreamMetrics({} as never, () => {});
  readonly calls: ReceivedCall[] = [];
  /** The tools, and the items of other kinds. */
  listed: readonly Item[];
  readonly others: Partial<Record<Kind, readonly Item[]>> = {};
  /** The notifications of clients that it received. */
  readonly notices: [method: string, paramsText: string | undefined][] = [];
  capabilities = new ObjectText('{}');
  config: ServerConfig;
  instructions = '';
  isConnected = true;
  isStarting = false;
  /** What waits for a session gets this promise. */
  readonly session = Promise.withResolvers<void>();

  constructor(name: string, items: readonly Item[] = [], settings: object = {}) {
    this.name = name;
    this.listed = items;
    this.config = serverConfigOf(name, settings);
  }

  /** As the rooms above see it. */
  get upstream(): Upstream {
    return this as unknown as Upstream;
  }

  items(kind: Kind): readonly Item[] {
    return kind === 'tools' ? this.listed : (this.others[kind] ?? []);
  }

  notify(_caller: unknown, method: string, paramsText?: string): void {
    this.notices.push([method, paramsText]);
  }

  hasPlainTools(): boolean {
    return this.capabilities.size === 0;
  }

  ready(): Promise<void> {
    return this.session.promise;
  }

  call(
    exchange: UpstreamCall,
    target: MemberEdit | null,
    isRepeatable: boolean,
    done: Completion<ResponseMessage>,
  ): void {
    this.calls.push({ exchange, target, isRepeatable, done });
  }
}
