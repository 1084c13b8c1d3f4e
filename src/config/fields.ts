import { z } from 'zod';

// To compile a validator takes longer than to read any file without.
z.config({ jitless: true });

// The kinds of value that a configuration is made of. The error text says what was expected.

/**
 * What a changed value of a key takes to apply: a new process (a reload ignores it and warns), a new connection to the server,
 * or nothing more, because the value is read at each use.
 */
export type ChangeEffect = 'restart' | 'reconnect' | 'update';

type Statement = <Schema extends z.ZodType>(description: string, schema: Schema) => Schema;

function statement(onChange: ChangeEffect): Statement {
  return (description, schema) => schema.meta({ description, onChange });
}

// A key: its description, the effect of a change, and its values.
export const restart = statement('restart');
export const reconnect = statement('reconnect');
export const update = statement('update');

/** The longest time in seconds: timers hold 2^31 - 1 milliseconds, which is a little over 24 days. */
const maxSeconds = 2_073_600;

/** In the JSON Schema, text with `${` passes: only the gateway knows what it expands to. */
export const orExpanded = (pattern: string) => `\\$\\{|^(?:${pattern})$`;

/** A mapping with these keys and no others. */
export const section = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape, 'a mapping');

/** A section that may be left out. */
export const group = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  section(shape)
    .prefault({} as never)
    .describe(description);

/** A boolean, which may be left out. */
export const flag = (byDefault: boolean) => z.boolean('true or false').default(byDefault);

/** A text that is good; `expected` says what makes it so. */
export const textThat = (isGood: (text: string) => boolean, expected: string) =>
  z.string(expected).refine(isGood, expected);

/** A text of which `problemOf` answers what is wrong, or null; `expected` is for what is no text at all. */
export const textWithout = (problemOf: (text: string) => string | null, expected: string) =>
  z.string(expected).refine((text) => problemOf(text) === null, {
    error: (issue) => problemOf(String(issue.input)) ?? expected,
  });

/** A whole number from `min` to `max`, both included. */
function integer(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

/** A whole number from `min` to `max`, both included, which may be left out. */
export const whole = (min: number, max: number, byDefault: number) => integer(min, max).default(byDefault);

/** The same where another key may move the default, which is therefore only documented here. */
export const wholeOrUndefined = (min: number, max: number, usually: number) =>
  integer(min, max).optional().meta({ default: usually });

/** A time in seconds, fractions allowed, of at least `min`, which may be left out. */
export function seconds(min: number, byDefault: number) {
  const expected = `a number of seconds from ${min} to ${maxSeconds}`;
  return z.number(expected).min(min, expected).max(maxSeconds, expected).default(byDefault);
}

/** One of these words; the first one when it is left out. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  const expected = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return z.enum(words, expected).default(words[0] as never);
}
