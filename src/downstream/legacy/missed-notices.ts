import { kinds } from '../../protocol/kinds.ts';

/** The notices that one session misses, and their length. */
const maxNotices = 1_000;
const maxNoticeChars = 4_096;
/** The length of all notices that all sessions of the process miss. */
const maxCharsInAll = 16 * 1024 * 1024;

const updated = 'notifications/resources/updated';
/** What a client can still use when it opens a stream again. */
const kept = new Set([
  ...Object.values(kinds).map(({ changedNotification }) => changedNotification),
  updated,
  'notifications/elicitation/complete',
]);

let charsInAll = 0;

/** Notices that a client gets when it opens a stream. The same one counts once. */
export class MissedNotices {
  /** By their text. */
  readonly #notices = new Set<string>();

  /** Keeps a notice, if it is useful later and there is room. */
  add(method: string, text: string): void {
    if (!kept.has(method) || this.#notices.has(text)) return;
    if (text.length > maxNoticeChars || this.#notices.size >= maxNotices) return;
    if (charsInAll + text.length > maxCharsInAll) return;
    charsInAll += text.length;
    this.#notices.add(text);
  }

  /** Removes all notices; returns them in the order in which they came. */
  take(): string[] {
    const notices = [...this.#notices];
    for (const { length } of notices) charsInAll -= length;
    this.#notices.clear();
    return notices;
  }
}
