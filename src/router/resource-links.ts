import { type Payload, textOf } from '../runtime/owned-bytes.ts';

/** Longer results are not searched, because that would keep other calls waiting. */
const maxSearchedChars = 1024 * 1024;
/** The most links of one result that count. */
const maxLinks = 1_000;
const linkText = '"resource_link"';

/**
 * The URIs of the resource links in a result: of a tool, a prompt, or a task that has ended. MCP 2025-11-25, Tools, Resource Links.
 */
export function linkedUris(payload: Payload): readonly string[] {
  if (payload.length > maxSearchedChars || !mentions(payload, linkText)) return [];
  const result: unknown = JSON.parse(textOf(payload));
  const uris = new Set<string>();
  for (const block of blocksOf(result)) {
    if (uris.size === maxLinks) break;
    if (isObject(block) && block.type === 'resource_link' && typeof block.uri === 'string')
      uris.add(block.uri);
  }
  return [...uris];
}

/** Whether a text is in a payload, which costs far less than parsing it. */
export function mentions(payload: Payload, text: string): boolean {
  if (typeof payload === 'string') return payload.includes(text);
  const { buffer, byteOffset, length } = payload.bytes;
  return Buffer.from(buffer, byteOffset, length).includes(text);
}

/** The content blocks of a result. */
function blocksOf(result: unknown): unknown[] {
  if (!isObject(result)) return [];
  const { content, messages } = result;
  const ofMessages = Array.isArray(messages)
    ? messages.map((message) => isObject(message) && message.content)
    : [];
  const ofTask = isObject(result.result) ? blocksOf(result.result) : [];
  return [...(Array.isArray(content) ? content : []), ...ofMessages, ...ofTask];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
