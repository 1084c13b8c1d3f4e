import { z } from 'zod';

// Compiling a validator takes longer than validating any file without.
z.config({ jitless: true });

// The kinds of values in a configuration. The text of an error says what was expected.

/**
 * How a changed value takes effect: by a restart of the gateway (a reload ignores the change and warns), by a new connection
 * to the server, or by the reload alone.
 */
export type ChangeEffect = 'restart' | 'reconnect' | 'update';

const keyWith =
  (onChange: ChangeEffect) =>
  <Schema extends z.ZodType>(description: string, schema: Schema): Schema =>
    schema.meta({ description, onChange });

// A key: the effect of a change, its description, and its values.
export const restart = keyWith('restart');
export const reconnect = keyWith('reconnect');
export const update = keyWith('update');

/** 24 days: timers are limited to 2^31 - 1 milliseconds. */
const maxSeconds = 2_073_600;

/** A pattern for the JSON Schema that also accepts texts with `${`, which only the gateway can expand. */
export const orExpanded = (pattern: string) => `\\$\\{|^(?:${pattern})$`;

/** A mapping with exactly these keys. */
export const section = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape, 'a mapping');

/** An optional section. */
export const group = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  section(shape)
    .prefault({} as never)
    .describe(description);

/** An optional boolean. */
export const flag = (byDefault: boolean) => z.boolean('true or false').default(byDefault);

/** A text that passes a test; `expected` describes such texts. */
export const textMatching = (isValid: (text: string) => boolean, expected: string) =>
  z.string(expected).refine(isValid, expected);

/** A text for which `expectedFor` returns null, or else what was expected; `expected` is the error for other types. */
export const checkedText = (expectedFor: (text: string) => string | null, expected: string) =>
  z.string(expected).refine((text) => expectedFor(text) === null, {
    error: (issue) => expectedFor(String(issue.input)) ?? expected,
  });

/** A whole number from `min` to `max`, both included. */
function integer(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

/** An optional whole number from `min` to `max`, both included. */
export const whole = (min: number, max: number, byDefault: number) => integer(min, max).default(byDefault);

/** An optional whole number whose default, documented here, depends on another key. */
export const optionalWhole = (min: number, max: number, usually: number) =>
  integer(min, max).optional().meta({ default: usually });

/** A time of at least `min` seconds; fractions are allowed. */
function time(min: number) {
  const expected = `a number of seconds from ${min} to ${maxSeconds}`;
  return z.number(expected).min(min, expected).max(maxSeconds, expected);
}

/** An optional time of at least `min` seconds. */
export const seconds = (min: number, byDefault: number) => time(min).default(byDefault);

/** An optional time of at least `min` seconds whose default, documented here, depends on another key. */
export const optionalSeconds = (min: number, usually: number) =>
  time(min).optional().meta({ default: usually });

/** One of these words; the first is the default unless another is given. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
  byDefault: Words[number] = words[0],
) {
  const expected = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return z.enum(words, expected).default(byDefault as never);
}

/** A list of patterns for names. */
export const patterns = (byDefault: readonly string[]) =>
  z
    .array(
      textMatching((text) => text !== '', 'a pattern for names, such as "read_*"'),
      'a list of patterns',
    )
    .default([...byDefault]);
