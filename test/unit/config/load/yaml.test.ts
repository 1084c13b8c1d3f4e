// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { describe, expect, test } from 'bun:test';
import { problems, refusal, serverWith } from '../reading.ts';

describe('invalid YAML is refused with its location', () => {
  test.each([
    [
      'a quote that stays open',
      'port: 80\nhost: "a\nmcp: {}\n',
      'f.yaml:2:7: not valid YAML: this quote is not closed',
    ],
    ['a bracket that stays open', 'mcp: { auth: { mode: none }\nport: 1\n', 'f.yaml:2:1: not valid YAML'],
    [
      'a tab as indentation',
      'mcp:\n\tauth: {}\n',
      'f.yaml:2:1: not valid YAML: tabs are not allowed as indentation; use spaces',
    ],
    [
      '": " in a plain value',
      'servers:\n  - name: a: b\n',
      'f.yaml:2:11: not valid YAML: nested mappings are not allowed in compact mappings; put a value with ": " in quotes',
    ],
    [
      'a reserved character',
      'host: @a\n',
      'f.yaml:1:7: not valid YAML: plain value cannot start with reserved character @; put the value in quotes',
    ],
    [
      'a wrong escape',
      'host: "\\q"\n',
      'f.yaml:1:8: not valid YAML: invalid escape sequence \\q; in single quotes a backslash is a backslash',
    ],
    [
      'a missing space',
      'host: a\nport:80\nmcp: {}\n',
      'f.yaml:2:1: not valid YAML: implicit keys need to be on a single line; a key needs a colon and a space after it',
    ],
    [
      'two documents',
      'port: 80\n---\nport: 81\n',
      'f.yaml:2:1: a configuration is one document; remove this line and the rest, or the document before it',
    ],
    [
      'another YAML',
      '%YAML 1.1\n---\nmetrics: { enabled: yes }\n',
      'f.yaml:1:1: a configuration is YAML 1.2; remove the %YAML directive',
    ],
    [
      'an unknown YAML',
      '%YAML 3.0\n---\nport: 80\n',
      'f.yaml:1:7: not valid YAML: unsupported YAML version 3.0',
    ],
    [
      'a list as a key',
      '? [a, b]\n: 1\n',
      'f.yaml:1:3: a key must be plain text; put text with { } in quotes',
    ],
    ['a reference without quotes in braces', 'servers: [{ name: ${A} }]\n', 'f.yaml:1:20: not valid YAML'],
  ])('%s', (_, text, problem) => {
    expect(problems(text)[0]).toStartWith(problem);
  });

  test('mistakes on several lines are reported at once, one for each line', () => {
    expect(problems('host: @a\nlogging: { level: %b }\nport: 1\n')).toEqual([
      'f.yaml:1:7: not valid YAML: plain value cannot start with reserved character @; put the value in quotes',
      'f.yaml:2:19: not valid YAML: plain value cannot start with directive indicator character %; put the value in quotes',
    ]);
  });

  test('the line is shown, but only the words of the format: nobody knows which of the others are secrets', () => {
    expect(refusal('servers:\n  - name: a\n    headers: { X-Key: hunter2 # hunter3\n')).toContain(
      '  3 |     headers: { ***: *** # ***\n',
    );
    expect(refusal('mcp:\n  auth:\n    bearer_token: hunter2: hunter3\n')).toContain(
      '  3 |     bearer_token: ***: ***\n',
    );
    expect(refusal('headers:\n  X: "hunter2\n  hunter3\n')).toContain('  2 |   X: "***\n');
  });
});

describe('YAML that is not plain data is refused with its location', () => {
  test.each([
    [
      'text without a key',
      'port:8766',
      'f.yaml:1:1: expected a mapping, found ***; a key needs a colon and a space after it',
    ],
    [
      'a custom tag',
      'host: !env HOST',
      'f.yaml:1:12: the tag "!env" is not supported; for the value of a variable write "${NAME}"',
    ],
    [
      'a binary',
      'host: !!binary aGk=',
      'f.yaml:1:16: the tag "tag:yaml.org,2002:binary" is not supported; write plain YAML',
    ],
    [
      'a merge key',
      'logging: { <<: { level: info } }',
      'f.yaml:1:12: merge keys ("<<") are not part of YAML 1.2; an alias can stand for a whole value',
    ],
    ['an alias without anchor', 'host: *name', 'f.yaml:1:7: the alias *name has no anchor before it'],
    [
      'an alias of itself',
      'mcp: &mcp { allowed_hosts: [*mcp] }',
      'f.yaml:1:29: the alias *mcp contains itself',
    ],
    [
      'endless depth',
      `mcp: ${'['.repeat(100)}${']'.repeat(100)}`,
      'f.yaml:1:6: mcp: expected a mapping, found a list',
    ],
  ])('%s', (_, text, problem) => {
    expect(problems(text)[0]).toBe(problem);
  });

  test('a key that is written twice is shown at both places', () => {
    expect(refusal(serverWith('required: true', 'tools: { ttl_seconds: 5 }', 'required: false'))).toBe(
      [
        'invalid configuration, 1 problem',
        '',
        'f.yaml:6:5: the key "required" is written twice',
        '  6 |     required: ***',
        '    |     ^^^^^^^^',
        'f.yaml:4:5: first written here',
        '  4 |     required: true',
        '    |     ^^^^^^^^',
      ].join('\n'),
    );
  });

  test('aliases of aliases cannot fill the memory', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']) {
      lines.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
    }
    const found = problems(lines.join('\n')).filter((problem) => !problem.includes('unknown key'));
    expect(found).toEqual(['f.yaml:4:36: aliases stand for more than 10000 values']);
  });
});

describe('a file without content is refused', () => {
  test.each(['', '\n\n', '# nothing yet\n', '---\n', 'null', '~', '\uFEFF'])('%p', (text) => {
    expect(refusal(text)).toBe('invalid configuration: f.yaml is empty');
  });
});

describe('a file made to do harm is refused', () => {
  const size = 100_000;
  test.each([
    ['open brackets', '['.repeat(size)],
    ['open braces', '{a: '.repeat(size / 4)],
    ['nested lists', '- '.repeat(size / 2)],
    ['quotes', '"'.repeat(size)],
    ['anchors', '&a '.repeat(size / 3)],
    ['aliases', `a: &a [1]\nb: [${'*a,'.repeat(size / 4)}]`],
    ['keys', Array.from({ length: 9_000 }, (_, index) => `key${index}: 1`).join('\n')],
    ['the same key', 'port: 1\n'.repeat(size / 8)],
    ['references', serverWith(`protocol: "${'${X}'.repeat(size / 4)}"`)],
    ['control characters', `host: "\\u0000\\e[2J"\n"\\e]0;title\\a": 1`],
  ])('%s', (_, text) => {
    const message = refusal(text);
    expect(message.length).toBeLessThan(20_000);
    expect(message).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('the line in a message', () => {
  test('has no tabs, so that the carets are below the text that they mark', () => {
    expect(refusal('host:\t[]')).toContain('  1 | host: []\n    |       ^^');
  });

  test('is truncated if it is long', () => {
    const message = refusal(`logging: { ${' '.repeat(200)}level: ${'x'.repeat(200)} }`);
    const [line = '', carets = ''] = message.split('\n').slice(-2);
    expect(line).toBe(`  1 | …${' '.repeat(43)}level: ${'x'.repeat(49)}…`);
    expect(carets).toBe(`    | ${' '.repeat(51)}${'^'.repeat(49)}`);
  });

  test('leaves comments out', () => {
    expect(refusal('port: x # was hunter2')).not.toContain('hunter2');
  });
});
