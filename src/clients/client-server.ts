import type { Mapping } from '../config/values.ts';
import type { ClientRow } from './row.ts';

/** A server as the file of a client has it. */
export interface ClientServer {
  readonly row: ClientRow;
  /** The file in which it stands. */
  readonly file: string;
  /** For whom the client uses it: the user everywhere, or within a folder only. */
  readonly folder: string | null;
  /** Its name there. */
  readonly key: string;
  readonly raw: Mapping;
  /** Whether the file switches it off in another place than the entry. */
  readonly isOff: boolean;
  /** What the client asks for, by id (VS Code, `inputs`). */
  readonly inputs: ReadonlyMap<string, ClientInput>;
}

/** A value that a client asks its user for. */
export interface ClientInput {
  readonly description: string | null;
  readonly byDefault: string | null;
}

/** What was found in one file. */
export interface ClientFile {
  readonly row: ClientRow;
  readonly path: string;
  readonly servers: readonly ClientServer[];
  /** Why it could not be read; null if it could. */
  readonly fault: string | null;
}
