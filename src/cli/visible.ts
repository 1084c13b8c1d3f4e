/**
 * A text of several lines without control characters, which names in the files of other programs may have: a terminal would obey
 * them.
 */
export function visible(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}]+/gu, ' ');
}
