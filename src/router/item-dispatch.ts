import type { ObjectText } from '../json/object.ts';
import type { ToolMetrics } from '../observability/upstream-metrics.ts';
import type { Exchange, ResultAnswer } from '../protocol/exchange.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { DispatchParts } from './dispatch.ts';
import { EditedDispatch } from './edited-dispatch.ts';
import type { Owners } from './owners.ts';
import { linkedUris } from './resource-links.ts';
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
  readonly item: { readonly name: string };
  /** Whether clients of the era see the result's structured content wrapped in an object. */
  readonly isOutputWrapped: boolean;
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
    return makesTask || this.#target.isOutputWrapped ? super.refined(result) : result;
  }

  protected override edited(result: ObjectText): string {
    if (result.string('taskId') !== undefined) return withTaskId(result, (id) => this.#made(id));
    if (result.object('task') !== undefined) return withCreatedId(result, (id) => this.#made(id));
    return this.#target.isOutputWrapped ? withWrappedOutput(result) : result.toString();
  }

  #made(id: string): string | null {
    const { tasks } = this.#parts;
    const { caller } = this.exchange;
    const qualified = tasks.mapsFor(this.#target.upstream, caller).toClient(id);
    if (qualified !== null) tasks.made(caller, qualified);
    return qualified;
  }
}

/** MCP 2025-11-25 requires an object; the tool's `outputSchema` for legacy clients describes this one. */
function withWrappedOutput(result: ObjectText): string {
  const content = result.member('structuredContent');
  if (content === undefined || result.object('structuredContent') !== undefined) return result.toString();
  return result.with({ name: 'structuredContent', value: `{"result":${content}}` });
}
