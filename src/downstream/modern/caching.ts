import type { Answer, CacheHints } from '../../protocol/exchange.ts';
import { allKinds, kinds } from '../../protocol/kinds.ts';

const listMethods: ReadonlySet<string> = new Set(allKinds.map((kind) => kinds[kind].listMethod));
const readMethod = 'resources/read';
const notCached: CacheHints = { ttlMs: 0, scope: 'private' };

/** The hints for the result of a method; null if such results are not cacheable. MCP 2026-07-28, Caching, Cacheable Results. */
export function cacheHints({ method }: { method: string }, answer: Answer): CacheHints | null {
  if (method === readMethod) return (answer.kind === 'result' && answer.cache) || notCached;
  return listMethods.has(method) ? notCached : null;
}
