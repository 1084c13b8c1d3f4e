import { isDeepStrictEqual } from 'node:util';
import { additions } from './edits/add.ts';
import { removals, switches } from './edits/change.ts';
import type { ServerEntry } from './edits/entry.ts';
import { listLines } from './edits/entry-text.ts';
import { type EditableFile, editableFile, indexOf, serversOf } from './edits/file.ts';
import { type Splice, spliced } from './edits/lines.ts';
import { type Model, modelOfValue, withKey } from './edits/model.ts';
import { shownKey } from './problems.ts';
import { isRecord } from './values.ts';

// Edits of a person's file. The text is cut and pasted, never written anew, and the result is read again: unless exactly the
// intended change shows, nothing is edited and the person gets the lines to paste.

export type { ServerEntry } from './edits/entry.ts';

/** The text of the file after an edit, or why it was not made, with the lines for a person to paste. */
export type Edit = { readonly text: string } | { readonly refusal: string; readonly lines: string };

/** What a file must say after an edit. */
interface Intention {
  readonly model: Model;
  readonly value: unknown;
}

/**
 * Adds servers at the end of the list in `text`, which may be empty, or have no list. New items are indented and written as the
 * item before them. Refuses a server whose name is taken.
 */
export function addServers(text: string, entries: readonly ServerEntry[]): Edit {
  if (entries.length === 0) return { text };
  const lines = () => `servers:\n${listLines(entries, '  ').join('\n')}`;
  return edited(text, lines, (file) => {
    const taken = new Set(serversOf(file).map((server) => (isRecord(server) ? server.name : undefined)));
    for (const { name } of entries) {
      if (taken.has(name)) return `there is a server named "${shownKey(name)}" already`;
      taken.add(name);
    }
    const plain = JSON.parse(JSON.stringify(entries)) as ServerEntry[];
    const before = file.model.mapping?.servers;
    const added = plain.map(modelOfValue);
    const { anchor, tag } = before ?? {};
    const list: Model = { list: [...(before?.list ?? []), ...added], anchor, tag };
    const intention = {
      model: withKey(file.model, 'servers', list),
      value: { ...(file.value as object), servers: [...serversOf(file), ...plain] },
    };
    return { intention, ways: additions(file, plain) };
  });
}

/**
 * Removes the server `name` from the list in `text`. The comment on the lines directly above goes with it if it begins in the
 * column of the item, and so do comments in and directly below the item that are indented deeper.
 */
export function removeServer(text: string, name: string): Edit {
  const lines = () => `- name: ${shownKey(name)}`;
  return edited(text, lines, (file) => {
    const index = indexOf(file, name);
    if (index === null) return unknown(name);
    const list = file.model.mapping?.servers as Model;
    const intention = {
      model: withKey(file.model, 'servers', { ...list, list: list.list?.toSpliced(index, 1) ?? [] }),
      value: { ...(file.value as object), servers: serversOf(file).toSpliced(index, 1) },
    };
    return { intention, ways: removals(file, index) };
  });
}

/** Sets the key `enabled` of the server `name`. A server without the key is enabled. */
export function setEnabled(text: string, name: string, isEnabled: boolean): Edit {
  const lines = () => `- name: ${shownKey(name)}\n  enabled: ${isEnabled}`;
  return edited(text, lines, (file) => {
    const index = indexOf(file, name);
    if (index === null) return unknown(name);
    const server = serversOf(file)[index] as Readonly<Record<string, unknown>>;
    if ((server.enabled ?? true) === isEnabled) return null;
    const list = file.model.mapping?.servers as Model;
    const item = list.list?.[index] as Model;
    const { anchor, tag } = item.mapping?.enabled ?? {};
    const changed = withKey(item, 'enabled', { scalar: isEnabled, anchor, tag });
    const intention = {
      model: withKey(file.model, 'servers', { ...list, list: list.list?.with(index, changed) ?? [] }),
      value: {
        ...(file.value as object),
        servers: serversOf(file).with(index, { ...server, enabled: isEnabled }),
      },
    };
    return { intention, ways: switches(file, index, isEnabled) };
  });
}

const unknown = (name: string) => `there is no server named "${shownKey(name)}"`;

interface Plan {
  readonly intention: Intention;
  readonly ways: Iterable<readonly Splice[]>;
}

/** Makes the first of the planned ways that is right. @param plan gives null if nothing is to be done, a text as the refusal */
function edited(text: string, lines: () => string, plan: (file: EditableFile) => Plan | string | null): Edit {
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const bare = text.slice(mark.length);
  const file = editableFile(bare);
  if (typeof file === 'string') return { refusal: file, lines: lines() };
  const planned = plan(file);
  if (planned === null) return { text };
  if (typeof planned === 'string') return { refusal: planned, lines: lines() };
  for (const splices of planned.ways) {
    if (splices.length === 0) continue;
    const result = spliced(bare, splices);
    if (says(result, planned.intention)) return { text: mark + result };
  }
  return { refusal: 'the layout of the file allows no edit that leaves the rest as it is', lines: lines() };
}

function says(text: string, { model, value }: Intention): boolean {
  const file = editableFile(text);
  return (
    typeof file !== 'string' && isDeepStrictEqual(file.model, model) && isDeepStrictEqual(file.value, value)
  );
}
