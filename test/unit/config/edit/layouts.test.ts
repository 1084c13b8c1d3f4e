import { describe, expect, test } from 'bun:test';
import { addServers, removeServer, setEnabled } from '../../../../src/config/edit.ts';

const entry = { name: 'new', url: 'http://new/mcp' };
const text = (edit: ReturnType<typeof removeServer>) => {
  if ('refusal' in edit) throw new Error(`refused: ${edit.refusal}`);
  return edit.text;
};
const added = (before: string) => text(addServers(before, [entry]));
const removed = (before: string, name = 'a') => text(removeServer(before, name));

describe('a new server', () => {
  test.each([
    ['an empty file', '', 'servers:\n  - name: new\n    url: http://new/mcp\n'],
    ['a file of comments', '# mine\n', '# mine\nservers:\n  - name: new\n    url: http://new/mcp\n'],
    [
      'a document with markers',
      '---\n# mine\n...\n',
      '---\n# mine\nservers:\n  - name: new\n    url: http://new/mcp\n...\n',
    ],
    ['no list', 'port: 1\n# end\n', 'port: 1\n# end\nservers:\n  - name: new\n    url: http://new/mcp\n'],
    ['no last line break', 'port: 1', 'port: 1\nservers:\n  - name: new\n    url: http://new/mcp'],
    [
      'Windows line ends',
      'port: 1\r\n',
      'port: 1\r\nservers:\r\n  - name: new\r\n    url: http://new/mcp\r\n',
    ],
    [
      'a key without a value, with a comment for it',
      'servers: # mine\n  # - name: a\nport: 1\n',
      'servers: # mine\n  # - name: a\n  - name: new\n    url: http://new/mcp\nport: 1\n',
    ],
    ['null', 'servers: null # none\n', 'servers: # none\n  - name: new\n    url: http://new/mcp\n'],
    ['an empty list', 'servers: [ ] # none\n', 'servers: # none\n  - name: new\n    url: http://new/mcp\n'],
    [
      'an empty list with a comment',
      'servers: [ # none\n  ]\n',
      'servers: [{ name: new, url: http://new/mcp } # none\n  ]\n',
    ],
    ['JSON', '{"port": 1}', '{"port": 1, "servers": [{"name": "new", "url": "http://new/mcp"}]}'],
    ['braces', '{ port: 1, }', '{ port: 1, servers: [{ name: new, url: http://new/mcp }], }'],
    [
      'a list in brackets on lines',
      'servers: [\n  {name: a, url: "http://a/"} # a\n  ]\n',
      'servers: [\n  {name: a, url: "http://a/"}, # a\n  {name: new, url: http://new/mcp}\n  ]\n',
    ],
    [
      'items with blank lines between, and comments below the last',
      'servers:\n- name: a\n  url: http://a/\n\n- name: b\n  url: http://b/\n  # era: legacy\n\n# port\nport: 1\n',
      'servers:\n- name: a\n  url: http://a/\n\n- name: b\n  url: http://b/\n  # era: legacy\n\n- name: new\n  url: http://new/mcp\n\n# port\nport: 1\n',
    ],
    [
      'odd indentation',
      'servers:\n     -    name: a\n          url: http://a/\n',
      'servers:\n     -    name: a\n          url: http://a/\n     -    name: new\n          url: http://new/mcp\n',
    ],
    [
      'items in braces',
      'servers:\n  - {"name": "a", "url": "http://a/"}\n',
      'servers:\n  - {"name": "a", "url": "http://a/"}\n  - {"name": "new", "url": "http://new/mcp"}\n',
    ],
    [
      'a block scalar that keeps its blank lines',
      'servers:\n  - name: a\n    command: x\n    args:\n      - |+\n        y\n\n\nport: 1\n',
      'servers:\n  - name: a\n    command: x\n    args:\n      - |+\n        y\n\n\n  - name: new\n    url: http://new/mcp\nport: 1\n',
    ],
  ])('goes into %s', (_, before, after) => {
    expect(added(before)).toBe(after);
    expect(added(`\uFEFF${before}`)).toBe(`\uFEFF${after}`);
  });

  test('gets quotes where YAML, or a program that reads an older one, needs them', () => {
    const odd = {
      name: 'new',
      command: 'npx',
      args: ['-y', '@a/b', 'yes', '012', '# x', 'a: b', `\${TOKEN}`],
      env: { A: 'two\nlines', B: "it's", C: '' },
    };
    expect(text(addServers('', [odd]))).toBe(
      [
        'servers:',
        '  - name: new',
        '    command: npx',
        `    args: [-y, '@a/b', 'yes', '012', '# x', 'a: b', '\${TOKEN}']`,
        '    env:',
        '      A: "two\\nlines"',
        `      B: it's`,
        `      C: ''`,
        '',
      ].join('\n'),
    );
  });

  test('is one of several', () => {
    const two = [entry, { name: 'other', command: 'x' }];
    expect(text(addServers('servers: []\n', two))).toBe(
      'servers:\n  - name: new\n    url: http://new/mcp\n  - name: other\n    command: x\n',
    );
    expect(text(addServers('port: 1\n', []))).toBe('port: 1\n');
  });

  test('is removed again without a trace', () => {
    const before =
      '# mine\nservers:\n  # a\n  - name: a\n    url: http://a/\n\n  - name: b\n    url: http://b/\n\n# end\n';
    expect(removed(added(before), 'new')).toBe(before);
  });

  test('fits into a file of 2,000 servers', () => {
    const items = Array.from(
      { length: 2_000 },
      (_, index) => `  - name: s${index} # ${index}\n    url: http://h/\n`,
    );
    const before = `servers:\n${items.join('')}port: 1\n`;
    expect(added(before)).toBe(
      before.replace('port: 1\n', '  - name: new\n    url: http://new/mcp\nport: 1\n'),
    );
    expect(removed(before, 's500')).toBe(before.replace('  - name: s500 # 500\n    url: http://h/\n', ''));
  });
});

describe('a removed server takes along', () => {
  const b = '  - name: b\n    url: http://b/\n';
  test.each([
    [
      'the comment directly above',
      `servers:\n  # a\n  - name: a\n    url: http://a/\n${b}`,
      `servers:\n${b}`,
    ],
    [
      'no comment that a blank line parts from it',
      `servers:\n  # all\n\n  - name: a\n    url: http://a/\n${b}`,
      `servers:\n  # all\n\n${b}`,
    ],
    [
      'no comment in another column',
      `servers:\n# all\n  - name: a\n    url: http://a/\n${b}`,
      `servers:\n# all\n${b}`,
    ],
    [
      'comments that are indented deeper, unless a blank line parts them from it',
      `servers:\n  - name: a # x\n    # y\n    url: http://a/\n    # z\n\n    # later\n${b}`,
      `servers:\n    # later\n${b}`,
    ],
    [
      'the blank lines before the last one',
      `servers:\n${b}\n  - name: a\n    url: http://a/\n\nport: 1\n`,
      `servers:\n${b}\nport: 1\n`,
    ],
    [
      'nothing else if it is the only one',
      'servers: # mine\n  - name: a\n    url: http://a/\nport: 1\n',
      'servers: [] # mine\nport: 1\n',
    ],
    [
      'its comma',
      'servers: [{name: b, url: "http://b/"}, {name: a, url: "http://a/"}]',
      'servers: [{name: b, url: "http://b/"}]',
    ],
    [
      'its line in brackets',
      'servers: [\n  {name: b, url: "http://b/"}, # b\n  # a\n  {name: a, url: "http://a/"} # a\n  ]\n',
      'servers: [\n  {name: b, url: "http://b/"} # b\n  ]\n',
    ],
  ])('%s', (_, before, after) => {
    expect(removed(before)).toBe(after);
  });
});

describe('enabled', () => {
  test.each([
    [
      'below the name',
      'servers:\n- name: a # x\n  url: http://a/\n',
      'servers:\n- name: a # x\n  enabled: false\n  url: http://a/\n',
    ],
    [
      'in its place',
      'servers:\n- name: a\n  url: http://a/\n  enabled: true # x\n',
      'servers:\n- name: a\n  url: http://a/\n  enabled: false # x\n',
    ],
    [
      'in braces',
      'servers: [{name: a, url: "http://a/"}]',
      'servers: [{name: a, enabled: false, url: "http://a/"}]',
    ],
    [
      'in JSON',
      '{"servers": [\n  {\n    "name": "a",\n    "url": "http://a/"\n  }\n]}',
      '{"servers": [\n  {\n    "name": "a",\n    "enabled": false,\n    "url": "http://a/"\n  }\n]}',
    ],
    [
      'at the end of the file',
      'servers:\n- url: http://a/\n  name: a',
      'servers:\n- url: http://a/\n  name: a\n  enabled: false',
    ],
  ])('is written %s', (_, before, after) => {
    expect(text(setEnabled(before, 'a', false))).toBe(after);
    expect(text(setEnabled(after, 'a', false))).toBe(after);
    expect(text(setEnabled(before, 'a', true))).toBe(before);
    expect(text(setEnabled(after, 'a', true))).toBe(after.replace('false', 'true'));
  });
});

describe('an edit is refused with the lines to paste', () => {
  test.each([
    ['a name that is not there', 'servers: []\n', 'there is no server named "a"'],
    ['invalid YAML', 'servers: [\n', 'line 2 is not valid YAML'],
    ['two documents', 'port: 1\n---\nport: 2\n', 'line 2 is not valid YAML'],
    ['no mapping', '- a\n', 'the file is not a mapping'],
    [
      'an anchor that another server needs',
      'servers:\n  - name: a\n    url: http://a/\n    headers: &h { X: y }\n  - name: b\n    url: http://b/\n    headers: *h\n',
      'the layout of the file allows no edit that leaves the rest as it is',
    ],
    [
      'an explicit key',
      '? servers\n: - name: a\n    url: http://a/\n',
      'the layout of the file allows no edit that leaves the rest as it is',
    ],
  ])('for %s', (_, before, refusal) => {
    expect(removeServer(before, 'a')).toEqual({ refusal, lines: '- name: a' });
  });

  test('if another part of the file is an alias of what changes', () => {
    const before =
      'servers:\n  - &a\n    name: a\n    url: http://a/\nprofiles: [{ name: p, servers: [a], tools: *a }]\n';
    expect(setEnabled(before, 'a', false)).toEqual({
      refusal: 'the layout of the file allows no edit that leaves the rest as it is',
      lines: '- name: a\n  enabled: false',
    });
    expect(addServers('x: &l []\nservers: *l\n', [entry])).toEqual({
      refusal: 'the layout of the file allows no edit that leaves the rest as it is',
      lines: 'servers:\n  - name: new\n    url: http://new/mcp',
    });
  });

  test('if the name is taken', () => {
    expect(addServers('servers: [{ name: new, url: http://a/ }]', [entry])).toMatchObject({
      refusal: 'there is a server named "new" already',
    });
  });
});
