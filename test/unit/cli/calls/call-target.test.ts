import { describe, expect, test } from 'bun:test';
import { callTarget, unknownTool } from '../../../../src/cli/calls/call-target.ts';

const servers = ['files', 'files.old', 'gh'];

describe('the target of a call', () => {
  test.each([
    ['files.read', { server: 'files', tool: 'read' }],
    ['files.read.all', { server: 'files', tool: 'read.all' }],
    ['files.old.read', { server: 'files.old', tool: 'read' }],
    ['files.old__read', { server: null, tool: 'files.old__read' }],
    ['files__read', { server: null, tool: 'files__read' }],
    ['files.new__read', { server: 'files', tool: 'new__read' }],
    ['bare_name', { server: null, tool: 'bare_name' }],
  ])('%s', (word, expected) => {
    expect(callTarget(word, servers)).toEqual(expected);
  });

  test('needs a tool', () => {
    for (const word of ['gh', 'gh.'])
      expect(() => callTarget(word, servers)).toThrow(
        'expected SERVER.TOOL, found only a server; its tools: mcpstead tools gh',
      );
  });

  test('names a server that there is', () => {
    expect(() => callTarget('fils.read', servers)).toThrow(
      'no server is named "fils"; did you mean "files"? (servers: files, files.old, gh)',
    );
    expect(() => callTarget('a.b', [])).toThrow('no server is named "a" (there are no servers)');
  });
});

test('an unknown tool is answered with the nearest one', () => {
  expect(unknownTool({ server: 'gh', tool: 'serch' }, ['search', 'list']).message).toBe(
    'gh has no tool "serch"; did you mean "search"?\nAll tools: mcpstead tools gh',
  );
  expect(unknownTool({ server: null, tool: 'x__y' }, []).message).toBe(
    'no server has a tool "x__y"\nAll tools: mcpstead tools',
  );
});
