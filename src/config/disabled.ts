/** A server with `enabled: false`: the gateway only shows it. */
export interface DisabledServer {
  /** Its index among all servers of the file. */
  readonly index: number;
  readonly name: string;
  /** Its target, as written, with references to variables, which may not be set. */
  readonly url: string | undefined;
  readonly command: string | undefined;
  readonly protocol: string;
  readonly required: boolean;
}

/** Whether `server`, an item of `servers` that may violate the schema, is disabled. */
export function isDisabled(server: unknown): boolean {
  return typeof server === 'object' && server !== null && 'enabled' in server && server.enabled === false;
}

/** Separates the disabled servers from the value of the file. */
export function splitDisabled(value: unknown): { used: unknown; disabled: DisabledServer[] } {
  const servers = (value as { servers?: unknown } | null)?.servers;
  if (!Array.isArray(servers) || !servers.some(isDisabled)) return { used: value, disabled: [] };
  const disabled = servers.flatMap((server, index) => {
    if (!isDisabled(server)) return [];
    const { name, url, command, protocol, required } = server as Readonly<Record<string, unknown>>;
    const target =
      command === undefined ? { url: `${url}`, command } : { url: undefined, command: `${command}` };
    const usual = command === undefined ? 'auto' : 'stdio';
    return [
      {
        index,
        name: `${name}`,
        ...target,
        protocol: protocol === undefined ? usual : `${protocol}`,
        required: required === true,
      },
    ];
  });
  const enabled = servers.filter((server) => !isDisabled(server));
  return { used: { ...(value as object), servers: enabled }, disabled };
}

/** Inserts the disabled servers among the others: `[a, c]` and `b` with index 1 become `[a, b, c]`. */
export function inFileOrder<T>(enabled: readonly T[], disabled: readonly (readonly [number, T])[]): T[] {
  const all = [...enabled];
  for (const [index, server] of disabled) all.splice(index, 0, server);
  return all;
}
