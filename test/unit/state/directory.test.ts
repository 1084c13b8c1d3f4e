import { describe, expect, test } from 'bun:test';
import { customaryDirectory } from '../../../src/state/directory.ts';

describe('the customary state directory', () => {
  test.each([
    ['that systemd gives', { STATE_DIRECTORY: '/var/lib/m', XDG_STATE_HOME: '/x', HOME: '/h' }, '/var/lib/m'],
    ['the first of several', { STATE_DIRECTORY: '/var/lib/m:/var/lib/n' }, '/var/lib/m'],
    ['below XDG_STATE_HOME', { XDG_STATE_HOME: '/x', HOME: '/h' }, '/x/mcpstead'],
    ['below HOME where that is relative', { XDG_STATE_HOME: 'x', HOME: '/h' }, '/h/.local/state/mcpstead'],
    ['below HOME', { STATE_DIRECTORY: '', XDG_STATE_HOME: '', HOME: '/h' }, '/h/.local/state/mcpstead'],
    ['none without any', {}, null],
  ])('is %s', (_, env, directory) => {
    for (const platform of ['linux', 'darwin'] as const)
      expect(customaryDirectory(env, platform)).toBe(directory);
  });

  test('is %LOCALAPPDATA% on Windows', () => {
    const env = { LOCALAPPDATA: 'C:\\Users\\u\\AppData\\Local', HOME: '/h' };
    expect(customaryDirectory(env, 'win32')).toBe('C:\\Users\\u\\AppData\\Local\\mcpstead');
    expect(customaryDirectory({ STATE_DIRECTORY: 'C:\\s;D:\\s' }, 'win32')).toBe('C:\\s');
  });
});
