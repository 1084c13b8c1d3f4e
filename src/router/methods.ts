import type { Answer } from '../protocol/exchange.ts';
import { allKinds, type Kind, kinds } from '../protocol/kinds.ts';

/** A method whose requests go to the upstream that owns the item they name. */
export interface OwnerMethod {
  readonly route: 'owner';
  readonly kind: 'tools' | 'prompts';
  /** The member of the params that must be an object if it is there. */
  readonly objectKey: string;
}

/** A method whose requests go to the upstream that owns the resource they name. */
interface ResourceMethod {
  readonly route: 'resource';
  /** Reading is for the upstream; subscriptions are counted here. */
  readonly does: 'read' | 'subscribe' | 'unsubscribe';
}

type MethodRoute =
  | OwnerMethod
  | ResourceMethod
  /** Goes to the upstream that owns the prompt or the resource template. */
  | { readonly route: 'completion' }
  /** Goes to the upstream of the task that it names, or lists the tasks of all. */
  | { readonly route: 'task'; readonly does: 'pass' | 'list' }
  /** Lists the skills of all upstreams. */
  | { readonly route: 'skills' }
  /** Lists the items of all upstreams. */
  | { readonly route: 'merged'; readonly kind: Kind }
  /** The gateway answers it itself, always in the same way. */
  | { readonly route: 'gateway'; readonly answer: Answer };

/** How the requests of each method are answered. */
export const methods: ReadonlyMap<string, MethodRoute> = new Map<string, MethodRoute>([
  ['tools/call', { route: 'owner', kind: 'tools', objectKey: 'arguments' }],
  ['prompts/get', { route: 'owner', kind: 'prompts', objectKey: 'arguments' }],
  ['resources/read', { route: 'resource', does: 'read' }],
  ['resources/subscribe', { route: 'resource', does: 'subscribe' }],
  ['resources/unsubscribe', { route: 'resource', does: 'unsubscribe' }],
  ['completion/complete', { route: 'completion' }],
  ['tasks/get', { route: 'task', does: 'pass' }],
  ['tasks/result', { route: 'task', does: 'pass' }],
  ['tasks/update', { route: 'task', does: 'pass' }],
  ['tasks/cancel', { route: 'task', does: 'pass' }],
  ['tasks/list', { route: 'task', does: 'list' }],
  ['skills/list', { route: 'skills' }],
  ...allKinds.map((kind): [string, MethodRoute] => [kinds[kind].listMethod, { route: 'merged', kind }]),
  ['ping', { route: 'gateway', answer: { kind: 'result', payload: '{}' } }],
]);
