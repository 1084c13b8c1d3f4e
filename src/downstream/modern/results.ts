import { ObjectText } from '../../json/object.ts';
import { skipSpace } from '../../json/scan.ts';
import type { CacheHints, ResultAnswer } from '../../protocol/exchange.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import { type OwnedBytes, SharedBytes } from '../../runtime/owned-bytes.ts';
import { copyOf } from '../../runtime/recent-values.ts';
import { build } from '../../version.ts';
import { type Content, isLong } from '../reply-body.ts';

const serverInfo = JSON.stringify({ name: 'mcpstead', version: build.version });
const completeText = '"complete"';
const metaKey = '"_meta"';
const closeBrace = 0x7d;
/** The last of the white space among ASCII characters. */
const space = 0x20;
/** A `_meta` that names this server. MCP 2026-07-28, General Fields, `_meta`. */
export const ownMeta = `{"${reservedMeta.serverInfo}":${serverInfo}}`;
const identityNames = [reservedMeta.serverInfo];
/** The last `_meta` that named its server and no more: a server sends the same with each result (docs/performance.md#found-last). */
let lastIdentity = '';
const metaMember = `,${metaKey}:${ownMeta}`;
/** Members that a result must have only as this server sets them. */
const setNames = ['resultType', '_meta', 'ttlMs', 'cacheScope'];
/** Their names, and escapes, which may spell them. */
const setMembers = /"(?:_meta|resultType|ttlMs|cacheScope)"|\\u/;

/**
 * The response to a request of the modern era, made of the result of any era: with its type, the identity of this server, and hints.
 * MCP 2026-07-28, Results; Caching.
 * @param hints null if such results are not cacheable
 */
export function modernResult(
  idText: string,
  { payload, result, resultType = 'complete' }: ResultAnswer,
  hints: CacheHints | null,
): Content {
  const type = resultType === 'complete' ? completeText : JSON.stringify(resultType);
  const head = `{"jsonrpc":"2.0","id":${idText},"result":`;
  const members = `"resultType":${type}${hintMembers(hints)}`;
  if (typeof payload !== 'string') {
    // The lists of the gateway have no `_meta`. A long result may have one, but is not scanned for it.
    const mayHaveMeta = !(payload instanceof SharedBytes) && bufferOf(payload).includes(metaKey);
    // Blanks may have replaced all members of a long result.
    const tail = `${isEmptyIn(payload.bytes) ? '' : ','}${members}${mayHaveMeta ? '' : metaMember}}}`;
    return [head, payload.part(0, payload.length - 1), tail];
  }
  // A text whose members nobody has read is not scanned for them unless they may be there.
  const mustEdit = result?.hasAny(setNames) ?? setMembers.test(payload);
  if (mustEdit) return `${head}${edited(result ?? new ObjectText(payload), type, hints)}}`;
  const kept = payload.slice(0, -1);
  const tail = `${isEmptyObject(payload) ? '' : ','}${members}${metaMember}}}`;
  return isLong(payload) ? [head, kept, tail] : head + kept + tail;
}

function hintMembers(hints: CacheHints | null): string {
  return hints === null ? '' : `,"ttlMs":${hints.ttlMs},"cacheScope":"${hints.scope}"`;
}

/** The text of a short result with its members set. */
function edited(result: ObjectText, type: string, hints: CacheHints | null): string {
  const edits = [
    { name: 'resultType', value: type },
    { name: '_meta', value: namedMeta(result) },
  ];
  if (hints !== null)
    edits.push(
      { name: 'ttlMs', value: String(hints.ttlMs) },
      { name: 'cacheScope', value: JSON.stringify(hints.scope) },
    );
  return result.with(...edits);
}

/** The `_meta` of a result, with the name of this server. */
function namedMeta(result: ObjectText): string {
  if (result.isText('_meta', lastIdentity)) return ownMeta;
  const meta = result.object('_meta');
  if (meta === undefined) return ownMeta;
  if (meta.size > 1 || !meta.hasAny(identityNames))
    return meta.with({ name: reservedMeta.serverInfo, value: serverInfo });
  lastIdentity = copyOf(meta.toString());
  return ownMeta;
}

/** Whether the text of an object has no member. */
function isEmptyObject(text: string): boolean {
  return text.charCodeAt(skipSpace(text, 1)) === closeBrace;
}

/** Whether the bytes of an object have no member. */
function isEmptyIn(bytes: Uint8Array): boolean {
  let at = 1;
  while (bytes[at]! <= space) at++;
  return bytes[at] === closeBrace;
}

function bufferOf({ bytes }: OwnedBytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
