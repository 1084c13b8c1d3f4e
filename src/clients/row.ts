import type { Place } from '../config/places.ts';
import type { clientIds } from './client-ids.ts';

/** The word for a client on the command line. */
type ClientId = (typeof clientIds)[number];

/**
 * A syntax for variables in texts: `shell` is `${X}` and `${X:-default}`; `dollar` is `$X`; `env` is `${env:X}`; `input` is
 * `${input:x}`, which the client asks for; `file` is `${file:/path}`; `braces` is `{env:X}` and `{file:path}`; `folders` is
 * `${userHome}`, `${workspaceFolder}` and their kind.
 */
export type VariableSyntax = 'shell' | 'dollar' | 'env' | 'input' | 'file' | 'braces' | 'folders';

/** How an entry for a server at a URL is written. */
export interface RemoteForm {
  /** The key of the URL. */
  readonly url: string;
  /** Keys that each such entry has, with their values. */
  readonly fixed: Readonly<Record<string, unknown>>;
  /** The keys that send the value of the variable `name` as a bearer token; null if the client cannot refer to a variable. */
  readonly token: ((name: string) => Readonly<Record<string, unknown>>) | null;
}

/** All that is known of an MCP client: import, connect, docs/clients.md and the status page derive from it. */
export interface ClientRow {
  /** `file` is no client: a file that a person named. */
  readonly id: ClientId | 'file';
  readonly title: string;
  /** The files of the user, the preferred one first. Empty where the environment names no home. */
  userFiles(place: Place): readonly string[];
  /** Whether each of the user's files belongs to another program; else one program reads them all. */
  readonly hasFilePerProgram?: boolean;
  /** Further folders that exist where the client is installed, besides those of the user's files. */
  signs?(place: Place): readonly string[];
  /** The files of a project, with forward slashes and relative to its folder. */
  readonly projectFiles: readonly string[];
  readonly format: 'jsonc' | 'toml' | 'yaml' | 'xml';
  /** The path of the mapping of servers within the file. */
  readonly key: readonly string[];
  /** How an entry for a program is written. */
  stdio(command: string, args: readonly string[]): Readonly<Record<string, unknown>>;
  /** The key that repeats the name of an entry within it. */
  readonly nameKey: string | null;
  /** Null: the client starts programs only. */
  readonly remote: RemoteForm | null;
  readonly variables: readonly VariableSyntax[];
  /** The key and value by which an entry is switched off. */
  readonly off: readonly [key: string, value: boolean] | null;
  /** The unit of `timeout` in an entry. */
  readonly timeoutUnit: 's' | 'ms' | null;
  /** How `connect` adds the gateway: into the file, by the client's own command where it exists, or a person does it. */
  readonly connection: 'file' | 'command' | 'snippet' | 'none';
  /** What a person does for a change to take effect. */
  readonly restart: string;
}
