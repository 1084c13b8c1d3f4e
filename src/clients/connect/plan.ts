import type { Place } from '../../config/places.ts';
import { isRecord } from '../../config/values.ts';
import { GatewayError } from '../../errors.ts';
import { type GatewayTarget, gatewayEntry } from '../gateway-entry.ts';
import { gatewayView } from '../gateway-view.ts';
import type { ClientRow } from '../row.ts';
import { lastBackup, type StoredBackup, type WrittenEntry } from './backup.ts';
import { readDocument } from './client-document.ts';
import { entriesOf, withEntries } from './client-text.ts';
import { locate } from './installed.ts';
import type { ServerMatch } from './matches.ts';
import { snippetOf } from './snippet.ts';
import { SpliceRefusal } from './splice.ts';
import { isSameTarget, undo } from './undo.ts';

/** What a person wants `connect` to do. */
export interface ConnectWish {
  readonly place: Place;
  /** The key of the new entry. */
  readonly name: string;
  /** The gateway, with the view that the new entry stands for. */
  readonly target: GatewayTarget;
  /** Which servers of a client the gateway has, and under which names; null: the entries of clients stay. */
  readonly matches: MatchServers | null;
}

/** Finds the servers of a client's file, whose text is the last argument, in the gateway's configuration. */
type MatchServers = (row: ClientRow, file: string, text: string) => readonly ServerMatch[];

/** An entry that stays as it is although entries were to be replaced. */
interface KeptEntry {
  readonly name: string;
  readonly reason: string;
}

/** What `connect` is going to do with a client. */
export type ConnectPlan = {
  readonly row: ClientRow;
  /** The file; null if the client has none that can be written. */
  readonly file: string | null;
} & (
  | ConnectEdit
  | Unchanged
  | { readonly kind: 'not_installed'; readonly looked: readonly string[] }
  /** It cannot be done: `snippet` is what to paste; null if there is no such thing. */
  | { readonly kind: 'refused'; readonly reason: string; readonly snippet: string | null }
);

/** A file that is as it should be. */
interface Unchanged {
  readonly kind: 'connected';
  readonly kept: readonly KeptEntry[];
  /** Whether the gateway is in it; else another file of the client has it. */
  readonly isConnected: boolean;
}

/** A change of a client's file. */
export interface ConnectEdit {
  readonly kind: 'edit';
  readonly file: string;
  /** The text of the file now; null if there is none. */
  readonly current: string | null;
  /** The text of the file without the gateway. */
  readonly original: string | null;
  readonly text: string;
  readonly entries: readonly WrittenEntry[];
  /** The server that each replaced entry leads to, by its name in the client's file. */
  readonly servers: ReadonlyMap<string, string>;
  readonly kept: readonly KeptEntry[];
  /** The connection before, which this one replaces. */
  readonly previous: StoredBackup | null;
}

/** What to do for one client: at least one plan, and one for each of its files that changes. It writes nothing. */
export function planConnect(row: ClientRow, wish: ConnectWish): readonly ConnectPlan[] {
  const { file, files, isInstalled, looked } = locate(row, wish.place);
  const snippet = snippetOf(row, { [wish.name]: entryUnder(wish.name, row, wish.target, undefined) });
  if (row.connection === 'none') {
    return [{ row, file, kind: 'refused', reason: `${row.title} is no longer developed`, snippet: null }];
  }
  if (row.connection === 'snippet' || file === null) {
    const reason =
      row.connection === 'snippet'
        ? `${row.title} keeps its own copy of its servers`
        : 'there is no home directory: HOME is not set';
    return [{ row, file, kind: 'refused', reason, snippet }];
  }
  if (!isInstalled) return [{ row, file, kind: 'not_installed', looked }];
  const plan = (path: string, isAdding: boolean) => planFile(row, path, wish, isAdding, snippet);
  const plans = files.map((path, index) => plan(path, index === 0 || row.hasFilePerProgram === true));
  const isReplacing = (each: ConnectPlan) => each.kind === 'edit' && each.servers.size > 0;
  // What one of the files of a program has counts for all of them.
  if (!row.hasFilePerProgram && plans.some(isReplacing) && !isReplacing(plans[0]!))
    plans[0] = plan(files[0]!, false);
  const telling = plans.filter((each) => each.kind !== 'connected' || each.isConnected);
  return telling.length > 0 ? telling : plans.slice(0, 1);
}

function planFile(
  row: ClientRow,
  file: string,
  wish: ConnectWish,
  isAdding: boolean,
  snippet: string,
): ConnectPlan {
  try {
    return { row, ...planEdit(row, file, wish, isAdding) };
  } catch (error) {
    if (error instanceof SpliceRefusal)
      return { row, file, kind: 'refused', reason: `${file}: ${error.message}`, snippet };
    if (error instanceof GatewayError) return { row, file, kind: 'refused', reason: error.message, snippet };
    throw error;
  }
}

function planEdit(
  row: ClientRow,
  file: string,
  wish: ConnectWish,
  isAdding: boolean,
): ConnectEdit | (Unchanged & { readonly file: string }) {
  const current = readDocument(file);
  const previous = lastBackup(wish.place, row.id, file);
  // A connection begins where none is: so it can be undone to the byte, however often it was made.
  const original = previous === null ? current : undo(row, current, previous).text;
  const base = original ?? '';
  const present = entriesOf(base, row);
  const matches = wish.matches?.(row, file, base) ?? [];
  const servers = new Map(
    matches.flatMap(({ key, server }) => (server === null ? [] : [[key, server] as const])),
  );
  const kept = matches.flatMap(({ key, reason }) => (reason === null ? [] : [{ name: key, reason }]));
  const entries = [...servers].map(
    ([name, view]): WrittenEntry => ({
      name,
      before: present[name],
      after: entryUnder(name, row, { ...wish.target, view }, present[name]),
    }),
  );
  // A client none of whose servers the gateway has gets all of the gateway.
  if (entries.length === 0 && isAdding) entries.push(...newEntry(row, present, wish));
  const text = withEntries(
    base,
    row,
    entries.map(({ name, after }) => ({ name, value: after })),
  );
  if (text === current || (text === '' && current === null)) {
    return { kind: 'connected', file, kept, isConnected: isAdding || entries.length > 0 };
  }
  return { kind: 'edit', file, current, original, text, entries, servers, kept, previous };
}

/** The entry for the whole gateway; none if it is there already. Throws a SpliceRefusal if another one has its name. */
function newEntry(
  row: ClientRow,
  present: Readonly<Record<string, unknown>>,
  { name, target }: ConnectWish,
): WrittenEntry[] {
  const before = present[name];
  const after = entryUnder(name, row, target, before);
  if (before === undefined) return [{ name, after }];
  if (isSameTarget(before, after) && Bun.deepEquals(before, after)) return [];
  if (gatewayView(before, null) !== null) return [{ name, before, after }];
  throw new SpliceRefusal(`it has another server named "${name}"; choose a name with --name`);
}

/** The entry for the gateway under a key. Where entries repeat their names, which tools are called by, the name stays. */
function entryUnder(
  name: string,
  row: ClientRow,
  target: GatewayTarget,
  before: unknown,
): Readonly<Record<string, unknown>> {
  const entry = gatewayEntry(row, target);
  if (row.nameKey === null) return entry;
  const old = isRecord(before) ? before[row.nameKey] : undefined;
  return { ...entry, [row.nameKey]: typeof old === 'string' ? old : name };
}
