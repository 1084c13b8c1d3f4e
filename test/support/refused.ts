/** The failure of a connection to `url`, with a port, if nothing listens there. */
export function refusedBy(url: string): string {
  return `connection refused by ${new URL(url).host}; is the server running?`;
}
