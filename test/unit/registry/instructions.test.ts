import { expect, test } from 'bun:test';
import { mergedInstructions } from '../../../src/registry/instructions.ts';

test('each server has its instructions below its name', () => {
  const servers = [
    { name: 'git', instructions: '\nPull first.\n' },
    { name: 'mute', instructions: '  ' },
    { name: 'files', instructions: 'Read.' },
  ];
  expect(mergedInstructions(servers)).toBe('# git\n\nPull first.\n\n# files\n\nRead.');
  expect(mergedInstructions([{ name: 'mute', instructions: '' }])).toBe('');
});

test('those of one server are cut after 4,096 characters, never within one', () => {
  const text = mergedInstructions([{ name: 'a', instructions: `${'x'.repeat(4_094)}😀${'x'.repeat(9)}` }]);
  expect(text).toBe(`# a\n\n${'x'.repeat(4_094)}…`);
  expect(mergedInstructions([{ name: 'a', instructions: 'x'.repeat(4_096) }])).toHaveLength(4_101);
});

test('all together have at most 32,768 characters', () => {
  const servers = Array.from({ length: 20 }, (_, i) => ({ name: `s${i}`, instructions: 'x'.repeat(9_000) }));
  const text = mergedInstructions(servers);
  expect(text.length).toBeLessThanOrEqual(32_768);
  expect(text.match(/^# s\d+$/gm)).toEqual(['# s0', '# s1', '# s2', '# s3', '# s4', '# s5', '# s6']);
});
