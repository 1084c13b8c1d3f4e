import { expect, test } from 'bun:test';
import { ClientCounter } from '../../../src/downstream/client-counts.ts';

test('clients are counted by how they describe themselves', () => {
  const counter = new ClientCounter();
  for (const client of ['a', 'b', 'a']) counter.add(client);
  expect([...counter.most(9)]).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
  counter.remove('a');
  counter.remove('b');
  expect([...counter.most(9)]).toEqual([['a', 1]]);
});

test('of many descriptions the most frequent are told', () => {
  const counter = new ClientCounter();
  for (const client of ['a', 'b', 'c', 'c', 'b', 'c']) counter.add(client);
  expect([...counter.most(2)]).toEqual([
    ['c', 3],
    ['b', 2],
  ]);
});
