// The plain data of a configuration file: values, and paths to them.

/** The path of a value in the configuration: `['servers', 0, 'url']`. */
export type Path = readonly (string | number)[];

/** A mapping, or another object whose keys are texts. */
export type Mapping = Readonly<Record<string, unknown>>;

/** A path as the key of a Map or Set, which compare arrays by identity. */
export const pathKey = (path: Path): string => JSON.stringify(path);

/** A path without indexes: `servers[].auth`. */
export function placeOf(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? '[]' : `.${part}`));
  return parts.join('').replace(/^\./, '');
}

/** The value at `path` below `value`, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) found = isRecord(found) ? found[part] : undefined;
  return found;
}

/** Whether `value` is a mapping or a list. */
export function isRecord(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null;
}

/** Whether `value` is a mapping with at least one of these keys. */
export function hasKey(value: unknown, ...keys: string[]): boolean {
  return isRecord(value) && keys.some((key) => Object.hasOwn(value, key));
}
