import type { ObjectText } from '../json/object.ts';
import type { ToolMetrics } from '../observability/upstream-metrics.ts';
import type { Exchange, ResultAnswer } from '../protocol/exchange.ts';
import { wrappedOutput } from '../upstream/items/adapted-tool.ts';
import type { Item } from '../upstream/items/item-list.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { DispatchParts } from './dispatch.ts';
import { EditedDispatch } from './edited-dispatch.ts';
import type { Owners } from './owners.ts';
import { linkedUris, mentions } from './resource-links.ts';
import type { TaskRequests } from './tasks/task-requests.ts';
import { withCreatedId, withTaskId } from './tasks/task-texts.ts';

/** The type of results that announce a task. SEP-2663. */
const taskType = 'task';

export interface ItemDispatchParts extends DispatchParts {
  readonly owners: Owners;
  readonly tasks: TaskRequests;
}

/** What a request is for. */
interface ItemTarget {
  readonly upstream: Upstream;
  readonly item: Pick<Item, 'name' | 'era' | 'adapted'>;
}

/** A request whose result may bear what concerns the gateway: links to resources, tasks, or content of the other era. */
export class ItemDispatch extends EditedDispatch {
  readonly #parts: ItemDispatchParts;
  readonly #target: ItemTarget;

  constructor(parts: ItemDispatchParts, exchange: Exchange, target: ItemTarget, metrics: ToolMetrics | null) {
    super(parts, exchange, target, metrics);
    this.#parts = parts;
    this.#target = target;
  }

  protected override refined(result: ResultAnswer): ResultAnswer {
    const { owners } = this.#parts;
    const { view } = this.exchange.caller;
    for (const uri of linkedUris(result.payload)) owners.remember(view, uri, this.#target.upstream);
    const makesTask = result.resultType === taskType || this.exchange.params?.member('task') !== undefined;
    const isForeign = this.#isOutputForeign && mentions(result.payload, '"structuredContent"');
    return makesTask || isForeign ? super.refined(result) : result;
  }

  protected override edited(result: ObjectText): string {
    if (result.string('taskId') !== undefined) return withTaskId(result, (id) => this.#made(id));
    if (result.object('task') !== undefined) return withCreatedId(result, (id) => this.#made(id));
    const { adapted } = this.#target.item;
    return this.#isOutputForeign ? wrappedOutput(result, adapted !== null) : result.toString();
  }

  /** Whether the result's structured content may be what the client does not accept. */
  get #isOutputForeign(): boolean {
    return this.#target.item.era === 'modern' && this.exchange.caller.era === 'legacy';
  }

  #made(id: string): string | null {
    const { tasks } = this.#parts;
    const { caller } = this.exchange;
    const qualified = tasks.mapsFor(this.#target.upstream, caller).toClient(id);
    if (qualified !== null) tasks.made(caller, qualified);
    return qualified;
  }
}
