const grouped = new Intl.NumberFormat('en-US');

/** A whole number for people: 12,345. */
export function count(value: number): string {
  return grouped.format(value);
}

/** A number that need not be exact: 950, 18.4k, 1.2M. */
export function rough(value: number): string {
  const [divisor, suffix] = value < 1_000 ? [1, ''] : value < 999_500 ? [1_000, 'k'] : [1_000_000, 'M'];
  const scaled = value / divisor;
  return `${suffix === '' || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)}${suffix}`;
}

/** How long a call took: 0.4 ms, 12 ms, 1.25 s. */
export function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 10 ? Math.round(ms) : Math.round(ms * 10) / 10} ms`;
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A time in its two largest units: 3 d 4 h, 12 s. */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const first = units.findIndex(([, length]) => whole >= length);
  if (first < 0) return '0 s';
  let rest = whole;
  const parts: string[] = [];
  for (const [unit, length] of units.slice(first, first + 2)) {
    const amount = Math.floor(rest / length);
    rest -= amount * length;
    if (amount > 0) parts.push(`${amount} ${unit}`);
  }
  return parts.join(' ');
}

/** A number with its noun: 1 tool, 2 tools. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}
