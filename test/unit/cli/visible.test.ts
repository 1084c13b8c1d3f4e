import { expect, test } from 'bun:test';
import { visible } from '../../../src/cli/visible.ts';

test('control characters become spaces, line ends stay', () => {
  expect(visible('a\u001b[31mb\u0007\u009bc\u202ed\ne\tf')).toBe('a [31mb c d\ne f');
});
