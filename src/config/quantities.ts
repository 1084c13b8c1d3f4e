const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const bytesPerUnit: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

const durationPart =
  /(\d+(?:\.\d+)?) *(ms|millis|msec|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b/gi;

/** Parses a time with units, such as `30s`, `1h30m`, `500 ms` or `PT5M`, into milliseconds; null if it is not one. */
export function parseDurationMs(text: string): number | null {
  // `1h30m`: a unit ends at the next number.
  const parts = text
    .trim()
    .replace(/^PT/, '')
    .replace(/([a-z])(?=\d)/gi, '$1 ');
  if (parts === '' || parts.replace(durationPart, '').trim() !== '') return null;
  let ms = 0;
  for (const [, number, unit = ''] of parts.matchAll(durationPart)) {
    const name = /^m(?:s|illi)/i.test(unit) ? 'ms' : unit.charAt(0).toLowerCase();
    ms += Number(number) * msPerUnit[name]!;
  }
  return ms;
}

/** Parses a size with a unit, such as `4MB`, `512k` or `1.5 GiB`, into bytes; all units are powers of 1024. Null if it is not one. */
export function parseSizeBytes(text: string): number | null {
  const [, number, unit = 'b'] = /^(\d+(?:\.\d+)?) *([kmg])?i?(?:b|bytes?)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return null;
  return Math.round(Number(number) * bytesPerUnit[unit.toLowerCase()]!);
}

/** Parses a number with grouped digits, a decimal comma, or a comma or semicolon after it; null if it is not one. */
export function parseNumber(text: string): number | null {
  if (/^\d+,\d{1,2}$/.test(text)) return Number(text.replace(',', '.'));
  const found = /^(\d{1,3}(?:[_,' ]\d{3})+|\d+)[,;]?$/.exec(text.trim());
  return found === null ? null : Number(found[1]!.replace(/\D/g, ''));
}
