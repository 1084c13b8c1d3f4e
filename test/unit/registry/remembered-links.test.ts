import { expect, test } from 'bun:test';
import { RememberedLinks } from '../../../src/registry/remembered-links.ts';

const [a, b] = [{ name: 'a' }, { name: 'b' }];

test('a link belongs to the upstream that handed it out last', () => {
  const links = new RememberedLinks();
  links.add('x:1', a);
  links.add('x:2', b);
  links.add('x:1', b);
  expect([links.get('x:1'), links.get('x:2'), links.get('x:3')]).toEqual(['b', 'b', undefined]);
});

test('the latest 5,000 links are remembered, and at most 10,000', () => {
  const links = new RememberedLinks();
  for (let i = 0; i < 12_000; i++) links.add(`x:${i}`, a);
  const known = [0, 4_999, 7_000, 11_999].map((i) => links.get(`x:${i}`));
  expect(known).toEqual([undefined, undefined, 'a', 'a']);
});

test('a link that comes up again and again fills nothing', () => {
  const links = new RememberedLinks();
  links.add('x:old', a);
  for (let i = 0; i < 20_000; i++) links.add('x:1', i % 2 === 0 ? a : b);
  expect(links.get('x:old')).toBe('a');
});

test('a URI of more than 2,048 characters is not remembered', () => {
  const links = new RememberedLinks();
  links.add('x'.repeat(2_049), a);
  expect(links.get('x'.repeat(2_049))).toBeUndefined();
});
