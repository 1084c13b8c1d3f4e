import { parseDocument } from 'yaml';
import { type Splice, spliced } from '../../config/edits/lines.ts';
import type { ClientRow } from '../row.ts';
import { scanRoot } from './jsonc-scan.ts';
import { removeFromJsonc, setInJsonc } from './jsonc-splicer.ts';
import { SpliceRefusal } from './splice.ts';
import { scanToml } from './toml-scan.ts';
import { removeFromToml, setInToml } from './toml-splicer.ts';
import { removeFromYaml, setInYaml } from './yaml-splicer.ts';

/** The mapping of servers in the file of a client. */
type Location = Pick<ClientRow, 'format' | 'key'>;

type Data = Record<string, unknown>;

/** How texts of a format are read and edited. */
interface Format {
  /** The data of a text that is not empty. Throws an Error for a text that cannot be read. */
  parse(text: string): unknown;
  set(text: string, path: readonly string[], name: string, value: unknown): Splice[];
  remove(text: string, path: readonly string[]): Splice[];
}

const maxAliases = 1000;

const formats: Readonly<Record<Exclude<ClientRow['format'], 'xml'>, Format>> = {
  jsonc: {
    parse: (text) => (scanRoot(text) === null ? {} : Bun.JSONC.parse(text)),
    set: setInJsonc,
    remove: removeFromJsonc,
  },
  toml: {
    parse(text) {
      scanToml(text);
      return Bun.TOML.parse(text);
    },
    set: setInToml,
    remove: removeFromToml,
  },
  yaml: {
    parse(text) {
      const document = parseDocument(text, { prettyErrors: false });
      if (document.errors[0]) throw new SpliceRefusal(`it is no valid YAML: ${document.errors[0].code}`);
      return document.toJS({ maxAliasCount: maxAliases }) ?? {};
    },
    set: setInYaml,
    remove: removeFromYaml,
  },
};

/** An entry to set in a client's file, or to remove if its value is undefined. */
export interface EntryChange {
  readonly name: string;
  readonly value: unknown;
}

/** The servers in a client's file by their names. Throws a SpliceRefusal if the file cannot be read as what it should be. */
export function entriesOf(text: string, location: Location): Readonly<Data> {
  const servers = valueAt(parse(text, location), location.key);
  return isData(servers) ? servers : {};
}

/** Whether the file has the mapping of servers. */
export function hasServers(text: string, { format, key }: Location): boolean {
  return valueAt(parse(text, { format, key }), key) !== undefined;
}

/** Whether a file says nothing. */
export function isEmptyFile(text: string, location: Location): boolean {
  return text.trim() === '' || (/^\s*\{\s*\}\s*$/.test(text) && location.format !== 'toml');
}

/**
 * The text after these changes, which are made one by one; each is proved to have changed nothing else. With `isMadeByUs`, the
 * mapping of servers goes as well if it is empty in the end. Throws a SpliceRefusal if a change cannot be made or proved.
 */
export function withEntries(
  text: string,
  location: Location,
  changes: readonly EntryChange[],
  isMadeByUs = false,
): string {
  const { format, key } = location;
  let edited = text;
  for (const { name, value } of changes) {
    edited = proved(edited, location, [...key, name], value, () =>
      value === undefined
        ? formatOf(format).remove(edited, [...key, name])
        : formatOf(format).set(edited, key, name, value),
    );
  }
  // A TOML table needs no mapping around it.
  if (!isMadeByUs || format === 'toml' || Object.keys(entriesOf(edited, location)).length > 0) return edited;
  return proved(edited, location, key, undefined, () => formatOf(format).remove(edited, key));
}

/** The data of `text` with these changes, as {@link withEntries} must have made them. */
export function isTextWith(
  edited: string,
  text: string,
  location: Location,
  changes: readonly EntryChange[],
  isMadeByUs: boolean,
): boolean {
  const expected = structuredClone(parse(text, location));
  for (const { name, value } of changes) setAt(expected, [...location.key, name], value);
  const servers = valueAt(expected, location.key);
  if (isMadeByUs && isData(servers) && Object.keys(servers).length === 0)
    setAt(expected, location.key, undefined);
  return isSame(parse(edited, location), expected, location);
}

function proved(
  text: string,
  location: Location,
  path: readonly string[],
  value: unknown,
  splice: () => Splice[],
): string {
  const expected = structuredClone(parse(text, location));
  setAt(expected, path, value);
  const edited = spliced(text, splice());
  if (isSame(parse(edited, location), expected, location)) return edited;
  throw new SpliceRefusal('it is written in a way that cannot be edited without changing something else');
}

function isSame(data: Data, expected: Data, { format, key }: Location): boolean {
  // The last table of TOML takes the mapping around it away.
  if (format === 'toml') {
    for (const side of [data, expected]) {
      const servers = valueAt(side, key);
      if (isData(servers) && Object.keys(servers).length === 0) setAt(side, key, undefined);
    }
  }
  return Bun.deepEquals(data, expected, true);
}

function parse(text: string, { format }: Location): Data {
  let data: unknown;
  try {
    data = text.trim() === '' ? {} : formatOf(format).parse(text);
  } catch (error) {
    if (error instanceof SpliceRefusal) throw error;
    if (error instanceof RangeError) throw new SpliceRefusal('it is nested too deeply');
    // Messages of parsers may quote the text, which may have secrets.
    throw new SpliceRefusal(`it is no valid ${format.toUpperCase()}`);
  }
  if (!isData(data)) throw new SpliceRefusal('it does not consist of keys and values');
  return data;
}

function formatOf(format: ClientRow['format']): Format {
  if (format === 'xml') throw new SpliceRefusal('the client writes it anew');
  return formats[format];
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(data: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isData(inner) ? inner[key] : undefined), data);
}

/** Sets the value at `path`, or removes it if it is undefined. Throws a SpliceRefusal where there is no mapping. */
function setAt(data: Data, path: readonly string[], value: unknown): void {
  let inner: Data = data;
  for (const key of path.slice(0, -1)) {
    const next = inner[key] ?? {};
    if (!isData(next)) throw new SpliceRefusal(`"${key}" in it is no mapping`);
    if (value !== undefined) inner[key] = next;
    inner = next;
  }
  const last = path.at(-1)!;
  if (value === undefined) delete inner[last];
  else inner[last] = value;
}
