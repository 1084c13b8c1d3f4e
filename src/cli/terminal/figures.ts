/** `1 tool`, `2 tools`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A number of at most three significant digits: `0.42`, `1.5`, `120`. */
export const rounded = (value: number): string =>
  String(value >= 100 ? Math.round(value) : Number(value.toPrecision(2)));

/** `950`, `1.8k`, `18k`, `1.2M`. */
export function thousands(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 999_500) return `${scaled(count / 1_000)}k`;
  return `${scaled(count / 1_000_000)}M`;
}

const scaled = (value: number): string => (value < 99.95 ? value.toFixed(1) : value.toFixed(0));

/** A time in its largest unit: `12 s`, `5 min`, `3 h`, `2 d`. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
