import { expect, test } from 'bun:test';
import { shownPath } from '../../../../src/cli/terminal/shown-path.ts';

test('a path below the home is shown from there', () => {
  const linux = { env: { HOME: '/home/me' }, platform: 'linux' } as const;
  expect(shownPath('/home/me/.cursor/mcp.json', linux)).toBe('~/.cursor/mcp.json');
  expect(shownPath('/home/meyer/x', linux)).toBe('/home/meyer/x');
  expect(shownPath('/etc/x', linux)).toBe('/etc/x');
  const windows = { env: { USERPROFILE: 'C:\\Users\\me' }, platform: 'win32' } as const;
  expect(shownPath('C:\\Users\\me\\AppData\\x', windows)).toBe('~\\AppData\\x');
  expect(shownPath('/x', { env: {}, platform: 'linux' })).toBe('/x');
  expect(shownPath('/x', { env: { HOME: '/' }, platform: 'linux' })).toBe('/x');
});
