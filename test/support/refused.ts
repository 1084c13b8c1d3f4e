/** What is told of a server at `url`, with a port, where nothing listens. */
export function refusedBy(url: string): string {
  return `connection refused by ${new URL(url).host}; is the server running?`;
}
