import { expect, test } from 'bun:test';
import { columns } from '../../../../src/cli/terminal/columns.ts';

test('cells stand below each other, and no line ends in white space', () => {
  expect(columns([['a', 'b', ''], ['long', '', 'c'], ['x']])).toEqual(['a     b', 'long     c', 'x']);
});

test('numbers end below each other', () => {
  expect(
    columns(
      [
        ['a', '5', 'x'],
        ['b', '123', 'y'],
      ],
      [1],
    ),
  ).toEqual(['a    5  x', 'b  123  y']);
});

test('wide characters count as the terminal shows them', () => {
  expect(
    columns([
      ['日本', 'x'],
      ['ab', 'y'],
    ]),
  ).toEqual(['日本  x', 'ab    y']);
});

test('no rows are no lines', () => {
  expect(columns([])).toEqual([]);
});
