import { describe, expect, test } from 'bun:test';
import { customaryConfigPath, homeDirectory } from '../../../src/config/places.ts';

describe('the customary configuration file', () => {
  test('is below ~/.config on Linux and macOS', () => {
    for (const platform of ['linux', 'darwin'] as const) {
      const path = customaryConfigPath({ env: { HOME: '/home/ada' }, platform });
      expect(path).toBe('/home/ada/.config/mcpstead/mcpstead.yaml');
    }
  });

  test('follows XDG_CONFIG_HOME, unless that is a relative path', () => {
    const pathWith = (directory: string) =>
      customaryConfigPath({ env: { HOME: '/home/ada', XDG_CONFIG_HOME: directory }, platform: 'linux' });
    expect(pathWith('/etc/xdg')).toBe('/etc/xdg/mcpstead/mcpstead.yaml');
    expect(pathWith('xdg')).toBe('/home/ada/.config/mcpstead/mcpstead.yaml');
  });

  test('is in APPDATA on Windows', () => {
    const env = { APPDATA: 'C:\\Users\\ada\\AppData\\Roaming', HOME: '/home/ada' };
    const path = customaryConfigPath({ env, platform: 'win32' });
    expect(path).toBe('C:\\Users\\ada\\AppData\\Roaming\\mcpstead\\mcpstead.yaml');
  });

  test('is none if the environment names no directory', () => {
    expect(customaryConfigPath({ env: {}, platform: 'linux' })).toBeNull();
    expect(customaryConfigPath({ env: { HOME: '' }, platform: 'darwin' })).toBeNull();
    expect(customaryConfigPath({ env: { HOME: '/home/ada' }, platform: 'win32' })).toBeNull();
  });
});

test('the home directory is HOME, on Windows USERPROFILE', () => {
  const env = { HOME: '/home/ada', USERPROFILE: 'C:\\Users\\ada' };
  expect(homeDirectory({ env, platform: 'linux' })).toBe('/home/ada');
  expect(homeDirectory({ env, platform: 'win32' })).toBe('C:\\Users\\ada');
});
