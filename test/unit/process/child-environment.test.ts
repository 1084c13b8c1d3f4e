import { describe, expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { childEnvironment } from '../../../src/process/child-environment.ts';

const home = tmpdir();
const usual = { PYTHONUTF8: '1', PYTHONUNBUFFERED: '1' };

describe('the variables of a process', () => {
  test('are a few of the parent, and its own', () => {
    const parent = {
      HOME: home,
      PATH: '/bin',
      LC_ALL: 'C',
      XDG_CONFIG_HOME: '/c',
      PYTHONPATH: '/p',
      SSL_CERT_FILE: '/s',
      AWS_SECRET_ACCESS_KEY: 'secret',
      MCPSTEAD_BEARER_TOKEN: 'secret',
      BUN_BE_BUN: '1',
      EMPTY: undefined,
    };
    expect(childEnvironment(parent, { KEY: 'k', PATH: '/own' }, null, 'linux')).toEqual({
      ...usual,
      HOME: home,
      PATH: '/own',
      LC_ALL: 'C',
      XDG_CONFIG_HOME: '/c',
      PYTHONPATH: '/p',
      SSL_CERT_FILE: '/s',
      KEY: 'k',
    });
  });

  test('may turn off what Python gets by default', () => {
    expect(childEnvironment({ PYTHONUTF8: '0' }, { PYTHONUNBUFFERED: '' }, null, 'linux')).toEqual({
      PYTHONUTF8: '0',
      PYTHONUNBUFFERED: '',
    });
  });

  test.each([
    ['http://user:pass@proxy:8080/', 'http://proxy:8080/'],
    ['user:pass@proxy:8080', 'proxy:8080'],
    ['http://proxy:8080', 'http://proxy:8080'],
    ['http://us@er:p@ss@proxy', 'http://proxy'],
  ])('hold the proxy %s without user info', (proxy, shown) => {
    const env = childEnvironment(
      { HTTPS_PROXY: proxy, http_proxy: proxy, NO_PROXY: 'a,b' },
      {},
      null,
      'linux',
    );
    expect(env).toEqual({ ...usual, HTTPS_PROXY: shown, http_proxy: shown, NO_PROXY: 'a,b' });
  });

  test('name caches in the given directory if there is no home to write to', () => {
    const caches = {
      npm_config_cache: '/state/npm',
      UV_CACHE_DIR: '/state/uv',
      UV_PYTHON_INSTALL_DIR: '/state/uv-python',
      UV_TOOL_DIR: '/state/uv-tools',
      BUN_INSTALL_CACHE_DIR: '/state/bun',
    };
    expect(childEnvironment({}, {}, '/state', 'linux')).toEqual({ ...usual, ...caches });
    expect(childEnvironment({ HOME: '/nonexistent' }, {}, '/state', 'linux')).toMatchObject(caches);
    expect(childEnvironment({ HOME: home }, {}, '/state', 'linux')).toEqual({ ...usual, HOME: home });
    expect(childEnvironment({}, { UV_CACHE_DIR: '/own' }, '/state', 'linux').UV_CACHE_DIR).toBe('/own');
  });

  test('ignore the case of names on Windows', () => {
    const parent = {
      Path: 'C:\\bin',
      SystemRoot: 'C:\\Windows',
      ComSpec: 'cmd',
      ProgramData: 'd',
      Secret: 's',
    };
    expect(childEnvironment(parent, { PATH: 'C:\\own' }, null, 'win32')).toEqual({
      ...usual,
      SystemRoot: 'C:\\Windows',
      ComSpec: 'cmd',
      ProgramData: 'd',
      PATH: 'C:\\own',
    });
  });
});
