/** A server as the file has it: keys and values in its own terms, and only those that differ from the defaults. */
export type ServerEntry = { readonly name: string } & Readonly<Record<string, unknown>>;
