/** Characters that terminals act on: controls and changes of the writing direction. */
const unsafe = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** A text of somebody else on one line, without what terminals act on. */
export function safeLine(text: string, maxChars = Number.POSITIVE_INFINITY): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069\s]+/gu, ' ')
    .trim();
  return line.length <= maxChars ? line : `${line.slice(0, maxChars - 1).toWellFormed()}…`;
}

/** A text of somebody else with its lines and tabs, without what else terminals act on. */
export function safeText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replace(unsafe, (unit) =>
      unit === '\n' || unit === '\t' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}
