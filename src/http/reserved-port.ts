import { GatewayError } from '../errors.ts';

/**
 * Takes a port before the server listens there, so that a second gateway fails before it starts anything, such as the programs of
 * its servers. Connections are closed at once. With port 0 there is nothing to take.
 * @returns gives it back
 * @throws GatewayError `port_unavailable`
 */
export function reservePort(hostname: string, port: number): () => void {
  if (port === 0) return () => {};
  try {
    const close = (socket: Bun.Socket) => void socket.terminate();
    const listener = Bun.listen({ hostname, port, exclusive: true, socket: { open: close, data() {} } });
    return () => listener.stop(true);
  } catch (error) {
    throw cannotListen(hostname, port, error);
  }
}

/** The error that says why a port cannot be had. */
export function cannotListen(host: string, port: number, error: unknown): GatewayError {
  const code = String((error as { code?: unknown }).code ?? 'unknown error');
  const cause: Record<string, string> = {
    EADDRINUSE: 'the port is in use; stop what listens there, or set another "port"',
    EACCES: 'not permitted; ports below 1024 are reserved for root',
    EADDRNOTAVAIL: 'this machine has no such address; check "host"',
  };
  return new GatewayError(
    'port_unavailable',
    `cannot listen on ${host} port ${port}: ${cause[code] ?? `${code}; check "host" and "port"`}`,
  );
}
