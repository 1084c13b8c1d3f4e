import { describe, expect, test } from 'bun:test';
import { cacheHintsOf } from '../../../../src/downstream/modern/caching.ts';
import type { Caller } from '../../../../src/protocol/caller.ts';
import type { CacheHints } from '../../../../src/protocol/exchange.ts';
import type { Registry } from '../../../../src/registry/registry.ts';

const registry = {
  view: (name: string) =>
    name === 'gone'
      ? undefined
      : { upstreams: name.split(',').map((text) => ({ freshForMs: Number(text) })) },
} as unknown as Registry;
const hints = (method: string, view: string, principal = 'none', cache?: CacheHints) => {
  const caller = { view, principal } as Caller;
  return cacheHintsOf(
    registry,
    { method, caller },
    { kind: 'result', payload: '{}', ...(cache && { cache }) },
  );
};

describe('the hints of a list', () => {
  test.each([
    ['5000.7,70000', 5000],
    ['70000,0', 0],
    ['Infinity,900', 900],
    ['Infinity', 0],
    ['gone', 0],
  ])('are the least that is left in a view: %s ms', (view, ttlMs) => {
    expect(hints('tools/list', view)).toEqual({ ttlMs, scope: 'public' });
  });

  test('are private if clients prove who they are', () => {
    expect(hints('resources/templates/list', '900', 'bearer')).toEqual({ ttlMs: 900, scope: 'private' });
  });
});

describe('the hints of a resource', () => {
  test.each([
    ['none', undefined, { ttlMs: 0, scope: 'private' }],
    ['none', { ttlMs: 500, scope: 'public' }, { ttlMs: 500, scope: 'public' }],
    ['none', { ttlMs: 1.5, scope: 'private' }, { ttlMs: 1, scope: 'private' }],
    ['none', { ttlMs: -1, scope: 'private' }, { ttlMs: 0, scope: 'private' }],
    ['bearer', { ttlMs: 500, scope: 'public' }, { ttlMs: 500, scope: 'private' }],
  ] as const)(
    'to a client with the principal %s are those of its server: %p',
    (principal, cache, expected) => {
      expect(hints('resources/read', '9', principal, cache)).toEqual(expected);
    },
  );
});

test.each(['tools/call', 'prompts/get', 'completion/complete'])('%s has no hints', (method) => {
  expect(hints(method, '9')).toBeNull();
});
