import { expect, test } from 'bun:test';
import { ObjectText } from '../../../src/json/object.ts';
import { gatewaysIn, gatewaysText } from '../../../src/protocol/instance.ts';

const idsIn = (value: unknown) =>
  gatewaysIn(new ObjectText(JSON.stringify({ _meta: { 'mcpstead/gateways': value } })));

test('a gateway sends its own id first, and each other id once', () => {
  expect(gatewaysText('own', ['b', 'a', 'b', 'own'])).toBe('own b a');
});

test('at most a hundred ids are sent and read', () => {
  const ids = Array.from({ length: 150 }, (_, i) => `id-${i}`);
  expect(gatewaysText('own', ids).split(' ')).toEqual(['own', ...ids.slice(0, 99)]);
  expect(idsIn(ids.join(' '))).toEqual(ids.slice(0, 100));
});

test.each([
  ['of a gateway', 'a b', ['a', 'b']],
  ['with something else than text', 5, []],
  ['with text that is far too long', 'x'.repeat(1_000_000), ['x'.repeat(6_500)]],
])('the result of an initialize %s names the ids of gateways', (_, value, ids) => {
  expect(idsIn(value)).toEqual(ids);
});

test('a result without _meta names no gateway', () => {
  expect(gatewaysIn(new ObjectText('{}'))).toEqual([]);
});
