import type { Place } from '../../config/places.ts';

/** Whether a terminal of this environment shows more than ASCII. POSIX, 8.2 Internationalization Variables. */
export function hasUnicode({ env, platform }: Place): boolean {
  // The terminals that set one of these do; the older console depends on its code page.
  if (platform === 'win32') return Boolean(env.WT_SESSION || env.TERM_PROGRAM || env.ConEmuANSI);
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  if (/utf-?8/i.test(locale)) return true;
  // The terminals of macOS use UTF-8 whatever the locale says.
  return platform === 'darwin' && locale === '';
}

const replacements: Readonly<Record<string, string>> = { '–': '-', '÷': '/', '…': '...' };

/** A text of ours as a terminal of this environment can show it. Names and words of others stay as they are. */
export function legible(text: string, place: Place): string {
  if (hasUnicode(place)) return text;
  return text.replace(/[–÷…]/g, (character) => replacements[character] as string);
}
