/** The query of a request. Its URL is not parsed, because it is none if the `Host` header is no host. */
export function queryOf({ url }: Request): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}
