import { expect, test } from 'bun:test';
import { hasUnicode, legible } from '../../../../src/cli/terminal/unicode.ts';

const on = (platform: NodeJS.Platform, env: Record<string, string>) => hasUnicode({ env, platform });

test('the locale says whether a terminal shows more than ASCII, its most specific variable first', () => {
  expect(on('linux', { LANG: 'en_US.UTF-8' })).toBe(true);
  expect(on('linux', { LANG: 'de_DE.utf8' })).toBe(true);
  expect(on('linux', { LANG: 'en_US.UTF-8', LC_ALL: 'C' })).toBe(false);
  expect(on('linux', { LC_CTYPE: 'C.UTF-8', LANG: 'C' })).toBe(true);
  expect(on('linux', {})).toBe(false);
});

test('macOS and the newer terminals of Windows need no locale', () => {
  expect(on('darwin', {})).toBe(true);
  expect(on('darwin', { LANG: 'C' })).toBe(false);
  expect(on('win32', {})).toBe(false);
  expect(on('win32', { WT_SESSION: 'x' })).toBe(true);
});

test('our own signs have a plain form', () => {
  const plain = { env: {}, platform: 'linux' } as const;
  expect(legible('a – b ÷ 4…', plain)).toBe('a - b / 4...');
  expect(legible('a – b ÷ 4…', { ...plain, env: { LANG: 'C.UTF-8' } })).toBe('a – b ÷ 4…');
});
