import { isRecord } from '../../config/values.ts';
import { safeLine, safeText } from '../terminal/safe-text.ts';

/**
 * The result of a tool for people: its texts, and a line in brackets for each part that is none.
 * @param isTerminal whether it is shown on a terminal, where no text of a tool may act
 */
export function resultText(result: unknown, isTerminal: boolean): string {
  const { content, structuredContent } = isRecord(result) ? result : {};
  const parts = Array.isArray(content) ? content : [];
  const shown = parts.map((part) => (isRecord(part) ? partText(part, isTerminal) : ''));
  if (shown.length === 0 && structuredContent !== undefined)
    return JSON.stringify(structuredContent, null, 2);
  return shown.join('\n');
}

function partText(part: Readonly<Record<string, unknown>>, isTerminal: boolean): string {
  const said = (text: string) => (isTerminal ? safeText(text) : text);
  const { type, text, data, mimeType, resource } = part;
  switch (type) {
    case 'text':
      return said(`${text ?? ''}`);
    case 'image':
    case 'audio':
      return described(`${type}`, [word(mimeType), sizeOf(data)]);
    case 'resource_link':
      return described('link', [word(part.name), word(part.uri)]);
    case 'resource': {
      const { text: content, uri, mimeType: mediaType, blob } = isRecord(resource) ? resource : {};
      if (typeof content === 'string') return said(content);
      return described('resource', [word(uri), word(mediaType), sizeOf(blob)]);
    }
    default:
      return described(word(type) || 'part', []);
  }
}

const described = (what: string, facts: readonly string[]): string =>
  `[${[what, ...facts.filter((fact) => fact !== '')].join(', ')}; all of it: --json]`;
const word = (value: unknown): string => (typeof value === 'string' ? safeLine(value, 200) : '');
const sizeOf = (base64: unknown): string =>
  typeof base64 === 'string' ? `${Math.floor((base64.replace(/=+$/, '').length * 3) / 4)} bytes` : '';
