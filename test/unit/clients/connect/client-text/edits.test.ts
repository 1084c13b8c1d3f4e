import { describe, expect, test } from 'bun:test';
import { withEntries } from '../../../../../src/clients/connect/client-text.ts';

const jsonc = { format: 'jsonc', key: ['mcpServers'] } as const;
const toml = { format: 'toml', key: ['mcp_servers'] } as const;
const yaml = { format: 'yaml', key: ['extensions'] } as const;
const entry = { url: 'http://127.0.0.1:8766/mcp' };

const add = (text: string, location: typeof jsonc | typeof toml | typeof yaml = jsonc) =>
  withEntries(text, location, [{ name: 'mcpstead', value: entry }]);

describe('a new server in JSON', () => {
  const cases: Record<string, [before: string, after: string]> = {
    'an empty file': [
      '',
      '{\n  "mcpServers": {\n    "mcpstead": {\n      "url": "http://127.0.0.1:8766/mcp"\n    }\n  }\n}\n',
    ],
    'an empty object': [
      '{}',
      '{\n  "mcpServers": {\n    "mcpstead": {\n      "url": "http://127.0.0.1:8766/mcp"\n    }\n  }\n}',
    ],
    'a file with an empty mapping': [
      '{\n\t"mcpServers": {}\n}\n',
      '{\n\t"mcpServers": {\n\t\t"mcpstead": {\n\t\t\t"url": "http://127.0.0.1:8766/mcp"\n\t\t}\n\t}\n}\n',
    ],
    'a file with other keys': [
      '{\r\n  "theme": "dark"\r\n}',
      '{\r\n  "theme": "dark",\r\n  "mcpServers": {\r\n    "mcpstead": {\r\n      "url": "http://127.0.0.1:8766/mcp"\r\n    }\r\n  }\r\n}',
    ],
    'comments and trailing commas': [
      '\uFEFF{\n  // all\n  "mcpServers": {\n    "a": { "command": "a" }, // first\n    /* last */\n  },\n}\n',
      '\uFEFF{\n  // all\n  "mcpServers": {\n    "a": { "command": "a" }, // first\n    "mcpstead": {\n      "url": "http://127.0.0.1:8766/mcp"\n    },\n    /* last */\n  },\n}\n',
    ],
    'a comment after the last member': [
      '{\n    "mcpServers": {\n        "a": {} // the only one\n    }\n}\n',
      '{\n    "mcpServers": {\n        "a": {}, // the only one\n        "mcpstead": {\n            "url": "http://127.0.0.1:8766/mcp"\n        }\n    }\n}\n',
    ],
    'a compact line': [
      '{"mcpServers":{"a":{"command":"a"}},"x":1}',
      '{"mcpServers":{"a":{"command":"a"},"mcpstead":{"url":"http://127.0.0.1:8766/mcp"}},"x":1}',
    ],
    'a spaced line': [
      '{ "mcpServers": { "a": { "command": "a" } } }\n',
      '{ "mcpServers": { "a": { "command": "a" }, "mcpstead": { "url": "http://127.0.0.1:8766/mcp" } } }\n',
    ],
    'a line with an empty mapping': [
      '{"a":1,"mcpServers":{}}',
      '{"a":1,"mcpServers":{"mcpstead":{"url":"http://127.0.0.1:8766/mcp"}}}',
    ],
    'only a comment': [
      '// nothing yet',
      '// nothing yet\n{\n  "mcpServers": {\n    "mcpstead": {\n      "url": "http://127.0.0.1:8766/mcp"\n    }\n  }\n}\n',
    ],
    'a mapping with only a comment': [
      '{\n  "mcpServers": {\n    // none\n  }\n}',
      '{\n  "mcpServers": {\n    // none\n    "mcpstead": {\n      "url": "http://127.0.0.1:8766/mcp"\n    }\n  }\n}',
    ],
  };
  for (const [title, [before, after]] of Object.entries(cases)) {
    test(`is added to ${title}`, () => {
      expect(add(before)).toBe(after);
    });
  }
});

describe('a replaced server in JSON', () => {
  const replace = (text: string) => withEntries(text, jsonc, [{ name: 'a', value: entry }]);

  test('is written in one line if it was', () => {
    expect(replace('{\n  "mcpServers": {\n    "a": {"command":"x"}, // kept\n    "b": {}\n  }\n}')).toBe(
      '{\n  "mcpServers": {\n    "a": {"url":"http://127.0.0.1:8766/mcp"}, // kept\n    "b": {}\n  }\n}',
    );
  });

  test('is written over several lines if it was, with the indentation and the line ends of the file', () => {
    expect(
      replace(
        '{\r\n\t"mcpServers": {\r\n\t\t"a": {\r\n\t\t\t"command": "x",\r\n\t\t\t"args": []\r\n\t\t}\r\n\t}\r\n}',
      ),
    ).toBe(
      '{\r\n\t"mcpServers": {\r\n\t\t"a": {\r\n\t\t\t"url": "http://127.0.0.1:8766/mcp"\r\n\t\t}\r\n\t}\r\n}',
    );
  });

  test('is the last of those under one key, which clients use', () => {
    expect(replace('{"mcpServers":{"a":{"x":1},"a":{"x":2}}}')).toBe(
      '{"mcpServers":{"a":{"x":1},"a":{"url":"http://127.0.0.1:8766/mcp"}}}',
    );
  });
});

describe('a server is taken out of JSON', () => {
  const remove = (text: string) => withEntries(text, jsonc, [{ name: 'b', value: undefined }]);
  const cases: Record<string, [before: string, after: string]> = {
    'from the middle': [
      '{"mcpServers": {\n  "a": 1,\n  "b": 2,\n  "c": 3\n}}',
      '{"mcpServers": {\n  "a": 1,\n  "c": 3\n}}',
    ],
    'from the end, with the comma before it': [
      '{"mcpServers": {\n  "a": 1, // one\n  "b": 2\n}}',
      '{"mcpServers": {\n  "a": 1 // one\n}}',
    ],
    'from the end of a list with trailing commas': [
      '{"mcpServers": {\n  "a": 1,\n  "b": 2,\n  // end\n}}',
      '{"mcpServers": {\n  "a": 1,\n  // end\n}}',
    ],
    'from the beginning': ['{"mcpServers": {\n  "b": 2,\n  "a": 1\n}}', '{"mcpServers": {\n  "a": 1\n}}'],
    'as the only one': ['{"mcpServers": {\n  "b": 2\n}}', '{"mcpServers": {}}'],
    'as the only one, with a trailing comma and a comment': [
      '{"mcpServers": {\n  "b": 2, // keep\n}}',
      '{"mcpServers": {\n   // keep\n}}',
    ],
    'from a line': ['{"mcpServers": {"a": 1, "b": 2, "c": 3}}', '{"mcpServers": {"a": 1, "c": 3}}'],
    'from the end of a line': ['{"mcpServers": {"a": 1, "b": 2}}', '{"mcpServers": {"a": 1}}'],
    'from the end of a line with comments': [
      '{"mcpServers": {"a": 1, /* two */ "b": 2 /* end */}}',
      '{"mcpServers": {"a": 1 /* two */  /* end */}}',
    ],
    'where commas lead lines': [
      '{"mcpServers": {\n    "a": 1\n  , "b": 2\n  , "c": 3\n}}',
      '{"mcpServers": {\n    "a": 1\n  , "c": 3\n}}',
    ],
  };
  for (const [title, [before, after]] of Object.entries(cases)) {
    test(title, () => {
      expect(remove(before)).toBe(after);
    });
  }
});

describe('a text that is not edited', () => {
  const refused: Record<string, [text: string, reason: RegExp]> = {
    'a broken one': [
      '{"mcpServers": {',
      /^it is no JSON with comments: unexpected its end in line 1, column 17$/,
    ],
    'one with something after its end': ['{"mcpServers": {}}}', /unexpected "\}" in line 1, column 19/],
    'one in single quotes': ["{'mcpServers': {}}", /unexpected "'" in line 1, column 2/],
    'a list': ['[]', /an object was expected in line 1, column 1/],
    'servers in a list': ['{"mcpServers": []}', /"mcpServers" in it is no mapping/],
    'an open comment': ['{} /* x', /a comment that begins in line 1, column 4 does not end/],
    'a bad string': ['{"a": "x\ty"}', /a string that begins in line 1, column 7 is no JSON/],
    'a deep one': [`{"a": ${'['.repeat(300)}${']'.repeat(300)}}`, /nested more than 200 levels deep/],
    'a secret without quotes': ['{"a": ghp_secret}', /^(?!.*secret)/],
  };
  for (const [title, [text, reason]] of Object.entries(refused)) {
    test(`is ${title}`, () => {
      expect(() => add(text)).toThrow(reason);
    });
  }
});

describe('a server in TOML', () => {
  const block =
    '# Written by "mcpstead connect", removed by "mcpstead disconnect".\n[mcp_servers.mcpstead]\nurl = "http://127.0.0.1:8766/mcp"\n';

  test('is appended as a marked block, and taken out without a trace', () => {
    for (const [before, after] of [
      ['', block],
      ['a = 1\n', `a = 1\n\n${block}`],
      ['[x]\n# end\n', `[x]\n# end\n\n${block}`],
    ] as const) {
      expect(add(before, toml)).toBe(after);
      expect(withEntries(after, toml, [{ name: 'mcpstead', value: undefined }])).toBe(before);
    }
  });

  test('keeps the line ends of the file', () => {
    expect(add('a = 1\r\n', toml)).toBe(`a = 1\r\n\r\n${block.replaceAll('\n', '\r\n')}`);
  });

  test('is replaced with its sub-tables, wherever they are', () => {
    const text = `# first
[mcp_servers."my server"]
command = "npx" # a comment goes with its table
args = ["-y",
  "x"]
text = """
[mcp_servers.fake]
"""

[mcp_servers."my server".env]
KEY = "v"

[other]
a = 1 # stays

[mcp_servers.'my server'.tools.x]
b = 2
# end
`;
    expect(withEntries(text, toml, [{ name: 'my server', value: entry }])).toBe(`# first
[mcp_servers."my server"]
url = "http://127.0.0.1:8766/mcp"

[other]
a = 1 # stays
# end
`);
  });

  test('is replaced where it is one line of a table', () => {
    const text = '[mcp_servers]\na = { command = "x", args = ["]"] }\nb.command = "y"\nb.args = []\n';
    expect(withEntries(text, toml, [{ name: 'a', value: entry }])).toBe(
      '[mcp_servers]\na = { url = "http://127.0.0.1:8766/mcp" }\nb.command = "y"\nb.args = []\n',
    );
    expect(withEntries(text, toml, [{ name: 'b', value: entry }])).toBe(
      '[mcp_servers]\na = { command = "x", args = ["]"] }\nb = { url = "http://127.0.0.1:8766/mcp" }\n',
    );
  });

  test('is not edited in an inline table around all servers', () => {
    const text = 'mcp_servers = { a = { command = "x" } }\n';
    expect(() => withEntries(text, toml, [{ name: 'a', value: entry }])).toThrow(
      '"mcp_servers" is written as an inline table',
    );
  });
});

describe('a server in YAML', () => {
  const remove = (text: string) => withEntries(text, yaml, [{ name: 'mcpstead', value: undefined }]);

  test('is added at the end of the mapping, and taken out without a trace', () => {
    for (const [before, after] of [
      [
        'a: 1\nextensions:\n    dev:\n        enabled: true\n        # inner\n\n# outer\nb: 2\n',
        'a: 1\nextensions:\n    dev:\n        enabled: true\n        # inner\n    mcpstead:\n      url: http://127.0.0.1:8766/mcp\n\n# outer\nb: 2\n',
      ],
      [
        'extensions: {dev: {enabled: true}}\n',
        'extensions: {dev: {enabled: true}, "mcpstead": { "url": "http://127.0.0.1:8766/mcp" }}\n',
      ],
      [
        'extensions:\r\n  dev:\r\n    text: |\r\n      x\r\n',
        'extensions:\r\n  dev:\r\n    text: |\r\n      x\r\n  mcpstead:\r\n    url: http://127.0.0.1:8766/mcp\r\n',
      ],
    ] as const) {
      expect(add(before, yaml)).toBe(after);
      expect(remove(after)).toBe(before);
    }
  });

  test('is added where there is no mapping yet', () => {
    const block = 'extensions:\n  mcpstead:\n    url: http://127.0.0.1:8766/mcp\n';
    expect(add('', yaml)).toBe(block);
    expect(add('# only a comment\n', yaml)).toBe(`# only a comment\n${block}`);
    expect(add('a: 1', yaml)).toBe(`a: 1\n${block.trimEnd()}`);
    expect(add('extensions:\na: 1\n', yaml)).toBe(`${block}a: 1\n`);
    expect(add('extensions: {} # none\na: 1\n', yaml)).toBe(
      'extensions: # none\n  mcpstead:\n    url: http://127.0.0.1:8766/mcp\na: 1\n',
    );
  });

  test('is not edited behind an anchor', () => {
    const text = 'extensions:\n  a: &x\n    cmd: y\n  b: *x\n';
    expect(() => withEntries(text, yaml, [{ name: 'a', value: entry }])).toThrow('an anchor or an alias');
  });
});
