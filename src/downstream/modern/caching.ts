import type { Caller } from '../../protocol/caller.ts';
import type { Answer, CacheHints } from '../../protocol/exchange.ts';
import { allKinds, kinds } from '../../protocol/kinds.ts';
import type { Registry } from '../../registry/registry.ts';

/** Methods whose results have the hints of their upstream. SEP-2640: those of skills, too. */
const ownedMethods: readonly string[] = [
  'resources/read',
  'resources/directory/read',
  'skills/list',
  'skills/get',
];
const listMethods: readonly string[] = allKinds.map((kind) => kinds[kind].listMethod);
/** The methods whose results have hints. MCP 2026-07-28, Caching, Cacheable Results. */
const cacheableMethods: ReadonlySet<string> = new Set(['server/discover', ...ownedMethods, ...listMethods]);

/** The hints for a result that must not be cached. */
export const notCached: CacheHints = { ttlMs: 0, scope: 'private' };

interface CacheableCall {
  readonly method: string;
  readonly caller: Caller;
}

/** The hints for the result of a request; null if such results have none. MCP 2026-07-28, Caching. */
export function cacheHintsOf(
  registry: Registry,
  { method, caller }: CacheableCall,
  answer: Answer,
): CacheHints | null {
  if (!cacheableMethods.has(method)) return null;
  if (!ownedMethods.includes(method)) return listHints(registry, caller);
  const hints = answer.kind === 'result' ? answer.cache : undefined;
  const isPublic = hints?.scope === 'public' && isOpenToAll(caller);
  return { ttlMs: Math.max(0, Math.floor(hints?.ttlMs ?? 0)), scope: isPublic ? 'public' : 'private' };
}

/** The hints for what a view says of its upstreams: fresh until the first of them is listed again. */
function listHints(registry: Registry, caller: Caller): CacheHints {
  const upstreams = registry.view(caller.view)?.upstreams ?? [];
  const freshForMs = Math.min(...upstreams.map((upstream) => upstream.freshForMs));
  return {
    ttlMs: Number.isFinite(freshForMs) ? Math.floor(freshForMs) : 0,
    scope: isOpenToAll(caller) ? 'public' : 'private',
  };
}

/** Whether nobody is kept from what a caller sees, so that a cache of many clients may show it to others. */
function isOpenToAll({ principal }: Caller): boolean {
  return principal === 'none';
}
