import { describe, expect, test } from 'bun:test';
import { ErrorOutput } from '../../../src/process/error-output.ts';

function outputOf() {
  const lines: string[] = [];
  const dropped: number[] = [];
  const clock = { ms: 0, nowMs: () => clock.ms };
  const output = new ErrorOutput(
    { onLine: (line) => lines.push(line), onDropped: (n) => dropped.push(n) },
    clock,
  );
  const write = async (text: string) => {
    await output.push(new Uint8Array(Buffer.from(text)));
  };
  return { output, write, lines, dropped, clock };
}

describe('stderr', () => {
  test('is passed on line by line, without empty ones, the last one at the end', async () => {
    const { output, write, lines } = outputOf();
    await write('one\r\n\n  \ntw');
    await write('o\nthree');
    expect(lines).toEqual(['one', 'two']);
    output.end();
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  test('has lines of 8 KiB at most', async () => {
    const { write, lines } = outputOf();
    await write(`${'x'.repeat(10_000)}\nnext\n`);
    expect(lines).toEqual([`${'x'.repeat(1_024)}…`, 'next']);
  });

  test('has 200 lines in ten seconds, and the number of the others', async () => {
    const { output, write, lines, dropped, clock } = outputOf();
    await write('line\n'.repeat(500));
    expect([lines.length, dropped]).toEqual([200, []]);
    clock.ms = 10_000;
    await write('line\n'.repeat(300));
    expect([lines.length, dropped]).toEqual([400, [300]]);
    output.end();
    expect(dropped).toEqual([300, 100]);
  });
});

test.each([
  ['', ''],
  ['starting\nlistening\n', 'listening'],
  ['starting\nError: no key\n    at main (a.js:1)\n    at b (b.js:2)\n\nNode.js v22.1.0\n', 'Error: no key'],
  ['Traceback:\n  File "a.py", line 1\n    main()\nKeyError: \'TOKEN\'\n', "KeyError: 'TOKEN'"],
  ['usage: tool [-h]\ntool: error: argument missing\ngoodbye\n', 'tool: error: argument missing'],
])('the end of %j is explained by %j', async (text, explanation) => {
  const { output, write } = outputOf();
  await write(text);
  expect(output.explanation()).toBe(explanation);
});

test('an old complaint does not explain the end, if its age is limited', async () => {
  const { output, write, clock } = outputOf();
  await write('Failed to request roots from the client\n');
  clock.ms = 60_000;
  expect(output.explanation(60_000)).toBe('Failed to request roots from the client');
  clock.ms = 60_001;
  expect(output.explanation(60_000)).toBe('');
  expect(output.explanation()).toBe('Failed to request roots from the client');
  await write('bye\n');
  expect(output.explanation(60_000)).toBe('bye');
});
