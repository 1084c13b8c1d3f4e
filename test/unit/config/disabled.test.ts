// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { describe, expect, test } from 'bun:test';
import { diffConfig } from '../../../src/config/diff.ts';
import { problems, read } from './reading.ts';

const file = `
servers:
  - { name: a, url: http://a/, headers: { X: '\${A}' } }
  - { name: b, url: 'https://\${B_HOST}/mcp?key=\${B_KEY}', enabled: false, headers: { X: '\${B_KEY}' }, auth: { type: bearer, token_env: B_TOKEN } }
  - { name: c, url: 'http://\${C_HOST}/' }
`;

describe('a server with enabled: false', () => {
  test('is listed separately, as written, and its variables and token need not be set', () => {
    const { config, disabled, upstreamTokens } = read(file, { A: 'a-secret', C_HOST: 'c' });
    expect(config.servers.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(disabled).toEqual([
      {
        index: 1,
        name: 'b',
        url: 'https://${B_HOST}/mcp?key=${B_KEY}',
        command: undefined,
        protocol: 'auto',
        required: false,
      },
    ]);
    expect([...upstreamTokens]).toEqual([]);
  });

  test('does not change the secrets of the servers after it', () => {
    expect(read(file, { A: 'a-secret', C_HOST: 'c.example', B_KEY: 'unused' }).secrets).toEqual(['a-secret']);
  });

  test('is added by a reload that enables it, and removed by one that disables it', () => {
    const env = { A: 'a', B_HOST: 'b', B_KEY: 'k', B_TOKEN: 't', C_HOST: 'c' };
    const [off, on] = [read(file, env), read(file.replace('enabled: false', 'enabled: true'), env)];
    expect(diffConfig(off, on)).toMatchObject({ added: ['b'], removed: [], unchanged: ['a', 'c'] });
    expect(diffConfig(on, off)).toMatchObject({ added: [], removed: ['b'], unchanged: ['a', 'c'] });
    const changed = read(file.replace('/mcp?', '/other?'), env);
    expect(diffConfig(off, changed)).toMatchObject({ added: [], removed: [], unchanged: ['a', 'c'] });
  });

  test.each([
    ['no', 'no; YAML 1.2 has no other words for it; write false'],
    ['"false"', '"false"; remove the quotes'],
    ['0', '0; write false'],
    ['"${A}"', '"${A}"; the value of a variable is always text'],
  ])('is none with enabled: %s', (value, found) => {
    expect(problems(`servers: [{ name: a, url: http://a/, enabled: ${value} }]`, { A: 'false' })).toEqual([
      `f.yaml:1:47: servers[0].enabled: expected true or false, found ${found}`,
    ]);
  });

  test('is checked all the same: keys, types, references and the name, which stays taken', () => {
    const text = `servers:
  - { name: a, url: http://a/, enabled: false, requird: true }
  - { name: a, url: a, enabled: false, headers: { X: '\${A' } }`;
    expect(problems(text)).toEqual([
      'f.yaml:2:48: unknown key "requird" in servers[0]; did you mean "required"?',
      'f.yaml:3:13: servers[1].name: "a" is taken; names are unique',
      'f.yaml:2:13: another server has this name',
      'f.yaml:3:21: servers[1].url: expected an http:// or https:// URL, found a; put http:// in front',
      'f.yaml:3:55: "${" must be followed by the name of an environment variable and "}"; "$${" is a literal "${"',
    ]);
  });

  test('causes a warning if it is required', () => {
    expect(read('servers: [{ name: a, url: http://a/, enabled: false, required: true }]').warnings).toEqual([
      'f.yaml:1:64: servers[0].required has no effect while enabled is false',
    ]);
  });
});
