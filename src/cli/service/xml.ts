import { printable } from './obstacles.ts';

/** Text as the content of an XML element. */
export function escapeXml(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
