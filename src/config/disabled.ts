/** A server of the file that says `enabled: false`: it is shown, and nothing else of it is used. */
export interface DisabledServer {
  /** Its place among all servers of the file. */
  readonly index: number;
  readonly name: string;
  /** As it is written, variables included: they may not be set. */
  readonly url: string;
  readonly protocol: string;
  readonly required: boolean;
}

/** Whether `server`, an item of `servers` that may not have passed the schema, is switched off. */
export function isDisabled(server: unknown): boolean {
  return typeof server === 'object' && server !== null && 'enabled' in server && server.enabled === false;
}

/** Takes the servers apart: the file's value without those that are switched off, and these. */
export function splitDisabled(value: unknown): { used: unknown; disabled: DisabledServer[] } {
  const servers = (value as { servers?: unknown } | null)?.servers;
  if (!Array.isArray(servers) || !servers.some(isDisabled)) return { used: value, disabled: [] };
  const disabled = servers.flatMap((server, index) => {
    if (!isDisabled(server)) return [];
    const { name, url, protocol = 'auto', required } = server as Readonly<Record<string, unknown>>;
    return [{ index, name: `${name}`, url: `${url}`, protocol: `${protocol}`, required: required === true }];
  });
  const enabled = servers.filter((server) => !isDisabled(server));
  return { used: { ...(value as object), servers: enabled }, disabled };
}

/** Puts the disabled servers back among the others: `[a, c]` and `b`, whose index is 1, make `[a, b, c]`. */
export function inFileOrder<T>(enabled: readonly T[], disabled: readonly (readonly [number, T])[]): T[] {
  const all = [...enabled];
  for (const [index, server] of disabled) all.splice(index, 0, server);
  return all;
}
