/** Stands between a server's name and a tool's. Server names neither hold it nor end in `_`, so the first one splits. */
const separator = '__';

/** The name under which a tool of `server` is listed to clients. */
export function qualify(server: string, name: string): string {
  return server + separator + name;
}

/** The parts of a qualified name, or null where it is none. */
export function splitQualified(qualified: string): { server: string; name: string } | null {
  const at = qualified.indexOf(separator);
  if (at <= 0) return null;
  return { server: qualified.slice(0, at), name: qualified.slice(at + separator.length) };
}

/** Whether a tool's name is one that every client takes: some pass it on to models that allow no other. */
export function isPortable(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(name);
}
