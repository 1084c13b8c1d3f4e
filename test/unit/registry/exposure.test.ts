import { describe, expect, test } from 'bun:test';
import { Exposure, exposureConfigOf } from '../../../src/registry/exposure.ts';
import { serverConfigOf } from '../../support/listed-upstream.ts';

const exposureOf = (settings: object) => new Exposure(exposureConfigOf(serverConfigOf('up', settings)));

describe('names', () => {
  test.each([
    [true, 'up__t', 'up__p'],
    ['git', 'git__t', 'git__p'],
    [false, 't', 'p'],
  ])('with the prefix %p', (prefix, tool, prompt) => {
    const exposure = exposureOf({ tools: { prefix } });
    expect([exposure.nameOf('tools', 't'), exposure.nameOf('prompts', 'p')]).toEqual([tool, prompt]);
    expect(exposure.nameOf('resources', 'x:1')).toBe('x:1');
    expect(exposure.nameOf('resourceTemplates', 'x:{n}')).toBe('x:{n}');
    expect([exposure.bare.nameOf('tools', 't'), exposure.bare.nameOf('prompts', 'p')]).toEqual(['t', 'p']);
  });

  test('of renamed tools are the new ones, behind the prefix', () => {
    const exposure = exposureOf({ tools: { rename: { get: 'fetch' } } });
    expect(exposure.nameOf('tools', 'get')).toBe('up__fetch');
    expect(exposure.bare.nameOf('tools', 'get')).toBe('fetch');
    expect(exposure.nameOf('prompts', 'get')).toBe('up__get');
  });
});

describe('filters', () => {
  test('hide items by their names at the server, each kind by its own', () => {
    const exposure = exposureOf({
      tools: { allow: ['get*'], deny: ['get_secret'], rename: { get: 'fetch' } },
      prompts: { deny: ['get'] },
      resources: { allow: ['file:///srv/*'] },
    });
    expect(exposure.nameOf('tools', 'get')).toBe('up__fetch');
    expect(exposure.nameOf('tools', 'fetch')).toBeNull();
    expect(exposure.nameOf('tools', 'get_secret')).toBeNull();
    expect(exposure.nameOf('prompts', 'get')).toBeNull();
    expect(exposure.nameOf('prompts', 'other')).toBe('up__other');
    expect(exposure.nameOf('resources', 'file:///srv/a')).toBe('file:///srv/a');
    expect(exposure.nameOf('resources', 'file:///etc/a')).toBeNull();
    expect(exposure.nameOf('resourceTemplates', 'file:///srv/{x}')).toBe('file:///srv/{x}');
    expect(exposure.nameOf('resourceTemplates', 'file:///{x}')).toBeNull();
  });
});

describe('an item of the server may have', () => {
  const exposure = exposureOf({ tools: { deny: ['secret'], rename: { get: 'fetch', secret: 'open' } } });
  test.each([
    ['tools', 'up__any', true],
    ['tools', 'up__fetch', true],
    ['tools', 'up__get', false],
    ['tools', 'up__open', true],
    ['tools', 'up__secret', false],
    ['tools', 'any', false],
    ['tools', 'other__any', false],
    ['prompts', 'up__get', true],
    ['prompts', 'up__secret', true],
  ] as const)('as one of the %s the name %s: %p', (kind, name, may) => {
    expect(exposure.mayShow(kind, name)).toBe(may);
  });

  test('any bare name without a prefix', () => {
    expect(exposureOf({ tools: { prefix: false } }).mayShow('tools', 'any')).toBe(true);
    expect(exposure.bare.mayShow('tools', 'any')).toBe(true);
    expect(exposure.bare.mayShow('tools', 'secret')).toBe(false);
  });
});

test('only what clients see of a server is part of its exposure', () => {
  const before = exposureConfigOf(serverConfigOf('up', { tools: { ttl_seconds: 5 } }));
  expect(before).toEqual(exposureConfigOf(serverConfigOf('up', { timeouts: { request_seconds: 7 } })));
  expect(before).not.toEqual(exposureConfigOf(serverConfigOf('up', { prompts: { deny: ['p'] } })));
});
