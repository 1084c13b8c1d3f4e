import { expect, test } from 'bun:test';
import { LogText } from '../../../../src/cli/terminal/log-text.ts';

const at = new Date().toISOString();
const clock = new Date(at).toTimeString().slice(0, 8);

test('messages stand below each other, once the longest name is known', () => {
  const text = new LogText(false);
  const lines = [
    { at, level: 'info', message: 'serving' },
    { at, level: 'warn', message: 'slow', server: 'a', ms: 5 },
    {
      at,
      level: 'info',
      message: 'stderr of the server',
      server: 'long-name',
      line: 'hello  there',
      more: 1,
    },
    { at, level: 'error', message: 'gone', server: 'a' },
  ].map((row) => text.line(row));
  expect(lines).toEqual([
    `${clock} INFO  mcpstead  serving\n`,
    `${clock} WARN  a         slow ms=5\n`,
    `${clock} LOG   long-name  hello  there more=1\n`,
    `${clock} ERROR a          gone\n`,
  ]);
});

test('what a server prints does not act on the terminal', () => {
  const row = { at, level: 'info', message: 'stderr of the server', server: 's', line: '\u001b[2Jx' };
  expect(new LogText(false).line(row)).toBe(`${clock} LOG   s  \\u001b[2Jx\n`);
});

test('lines of other days have a date', () => {
  const row = { at: '2020-02-03T12:00:00.000Z', level: 'info', message: 'old' };
  expect(new LogText(false).line(row)).toMatch(/^2020-02-0[234] \d\d:00:00 INFO {2}mcpstead {2}old\n$/);
});
