import type { ObjectText } from '../../json/object.ts';
import type { CacheHints } from '../../protocol/exchange.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import { payloadWithout } from '../../protocol/result-cuts.ts';
import type { Completion } from '../../runtime/completion.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { toFailure } from '../failure.ts';

/** The type of a result that completes its request. MCP 2026-07-28, Base Protocol, Results. */
const complete = 'complete';
/** Its JSON text. */
export const completeText = '"complete"';
const identityKey = [reservedMeta.serverInfo];
const noSpans: readonly number[] = [];

/** The methods whose results carry hints. In other results, members of the same names mean something else. */
const cacheableMethods: ReadonlySet<string> = new Set(
  [
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/directory/read',
    'skills/list',
    'skills/get',
  ].map((method) => JSON.stringify(method)),
);

/**
 * The answer of a server without the members that belong to the hop: the type of the result, its hints for caches, and the
 * server's identity. They are cut out of the text, or blanked in bytes, and nothing else is touched. MCP 2026-07-28, Base
 * Protocol, Results; Caching. Throws a `TooManyError` if its `_meta` has too many members.
 */
export function readResult(answer: ResponseMessage, methodText: string): ResponseMessage {
  const { result } = answer;
  if (result === undefined) return answer;
  const isCacheable = cacheableMethods.has(methodText);
  const meta = result.object('_meta');
  const identity = meta?.spans(identityKey) ?? noSpans;
  // A repeated `_meta` is cut out as a whole with the others, or not at all.
  const isMetaCut = identity.length > 0 && meta?.size === 1;
  let spans: readonly number[] = result.spans(hopMembers(isCacheable, isMetaCut));
  if (identity.length > 0 && !isMetaCut) spans = inOrder([...spans, ...identity]);
  const { id, isError, start } = answer;
  const kept = payloadWithout(answer, spans);
  const plain: ResponseMessage = { kind: 'response', id, error: undefined, isError, payload: kept, start };
  if (!isCacheable && result.isText('resultType', completeText)) return plain;
  const resultType = result.string('resultType');
  const cache = isCacheable ? hintsIn(result) : undefined;
  return {
    ...plain,
    ...(resultType !== undefined && resultType !== complete && { resultType }),
    ...(cache && { cache }),
  };
}

/** The same, or null for an answer that cannot be read: it is freed, and `done` rejects with an `UpstreamFailure`. */
export function readOrFail(
  answer: ResponseMessage,
  methodText: string,
  done: Completion<ResponseMessage>,
): ResponseMessage | null {
  try {
    return readResult(answer, methodText);
  } catch (error) {
    freePayload(answer.payload);
    done.reject(toFailure(error));
    return null;
  }
}

const members = ['resultType'];
const membersWithMeta = [...members, '_meta'];
const cacheableMembers = [...members, 'ttlMs', 'cacheScope'];
const cacheableMembersWithMeta = [...cacheableMembers, '_meta'];

/** The members of a result that belong to the hop. */
function hopMembers(isCacheable: boolean, isMetaCut: boolean): readonly string[] {
  if (isCacheable) return isMetaCut ? cacheableMembersWithMeta : cacheableMembers;
  return isMetaCut ? membersWithMeta : members;
}

/** The spans by their starts: those in `_meta` come last. */
function inOrder(spans: number[]): number[] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < spans.length; i += 2) pairs.push([spans[i]!, spans[i + 1]!]);
  return pairs.sort(([a], [b]) => a - b).flat();
}

/** Absent or invalid hints are the most careful ones. */
function hintsIn(result: ObjectText): CacheHints | undefined {
  const ttlMs = result.number('ttlMs');
  const scope = result.string('cacheScope');
  if (ttlMs === undefined && scope === undefined) return undefined;
  const isValid = ttlMs !== undefined && Number.isSafeInteger(ttlMs) && ttlMs > 0;
  return { ttlMs: isValid ? ttlMs : 0, scope: scope === 'public' ? 'public' : 'private' };
}
