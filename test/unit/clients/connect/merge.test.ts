import { expect, test } from 'bun:test';
import { mergeTexts } from '../../../../src/clients/connect/merge.ts';
import { Random } from '../../../support/random.ts';

test('changes of different lines are both made', () => {
  expect(mergeTexts('a\nb\nc\nd\ne\n', 'A\nb\nc\nd\ne\n', 'a\nb\nc\nx\n')).toBe('A\nb\nc\nx\n');
  expect(mergeTexts('a\nb\nc\n', 'a\nb\nc\nd\n', 'b\nc\n')).toBe('b\nc\nd\n');
  expect(mergeTexts('a\nb\nc', 'a\nnew\nb\nc', 'a\nb\n')).toBe('a\nnew\nb\n');
});

test('without changes of one side, the other side is taken', () => {
  expect(mergeTexts('a\nb\n', 'a\nb\n', 'x')).toBe('x');
  expect(mergeTexts('a\nb\n', '', 'a\nb\n')).toBe('');
});

test('changes of the same or of neighbouring lines are not merged', () => {
  expect(mergeTexts('a\nb\nc\n', 'a\nB\nc\n', 'a\nx\nc\n')).toBeNull();
  expect(mergeTexts('a\nb\nc\n', 'a\nB\nc\n', 'a\nb\n')).toBeNull();
  expect(mergeTexts('one line', 'One line', 'one Line')).toBeNull();
});

test('a change of random lines is undone below random changes of other lines', () => {
  const random = new Random(4);
  for (let round = 0; round < 1_000; round++) {
    const half = () =>
      Array.from({ length: random.below(12) }, () => `${random.pick(['a', 'b', 'c', ''])}\n`);
    const edited = (lines: string[]) => {
      const copy = [...lines];
      for (let edit = random.below(4); edit > 0; edit--)
        copy.splice(random.below(copy.length + 1), random.below(3), ...half().slice(0, 2));
      return copy;
    };
    const [top, bottom] = [half(), half()];
    const between = ['--\n', '==\n', '--\n'];
    const [mine, theirs] = [edited(top), edited(bottom)];
    const text = (...parts: string[][]) => parts.flat().join('');
    const merged = mergeTexts(
      text(top, between, bottom),
      text(mine, between, bottom),
      text(top, between, theirs),
    );
    expect(merged).toBe(text(mine, between, theirs));
  }
});

test('texts that differ everywhere are taken as one change', () => {
  const many = (word: string) => Array.from({ length: 2_000 }, (_, index) => `${word} ${index}\n`).join('');
  expect(mergeTexts(many('a'), many('b'), many('a'))).toBe(many('b'));
});
