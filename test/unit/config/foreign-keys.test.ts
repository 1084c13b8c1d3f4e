// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { describe, expect, test } from 'bun:test';
import { problems, read, refusal, serverWith } from './reading.ts';

const stdio = 'a server on stdio has "command: PROGRAM" and "args: [...]" in place of "url"';
const oauth = 'OAuth is not supported yet by this version';
const serverToken =
  'do not write a token into the file; put it into an environment variable and name that in auth.token_env';
const gatewayToken =
  'do not write a token into the file; put it into the environment variable MCPSTEAD_BEARER_TOKEN';

describe('a key of a server as other programs call it gets the key that is meant', () => {
  const found = ', or leave it out: it is detected';
  const bearer = 'write "auth: { type: bearer, token_env: NAME }"';
  const headers = 'write "headers: { NAME: VALUE }"';
  const skipVerify = 'write "tls_skip_verify: true" to accept any certificate';
  const approval = 'approval of calls is up to the client; remove it';
  test.each([
    ['type: http', `write "protocol: streamable"${found}`],
    ['type: streamable-http', `write "protocol: streamable"${found}`],
    ['type: streamableHttp', `write "protocol: streamable"${found}`],
    ['type: sse', `write "protocol: sse"${found}`],
    ['type: websocket', 'MCP has no WebSocket transport'],
    ['type: remote', 'write "protocol": auto, streamable or sse'],
    ['transport: http', `write "protocol: streamable"${found}`],
    ['transport: { type: sse }', `write "protocol: sse"${found}`],
    ['transportType: STREAMABLE_HTTP', `write "protocol: streamable"${found}`],
    ['disabled: true', 'write "enabled: false"'],
    ['disabled: false', 'write "enabled: true"'],
    ['isActive: false', 'write "enabled: false"'],
    ['timeout: 60', 'write "timeouts: { request_seconds: 60 }", in seconds'],
    ['timeout: 60000', 'write "timeouts: { request_seconds: 60 }", in seconds'],
    ['timeout: 90s', 'write "timeouts: { request_seconds: 90 }", in seconds'],
    ['timeout: soon', 'write "timeouts: { request_seconds: 60 }"'],
    ['timeout_ms: 500', 'write "timeouts: { request_seconds: 0.5 }", in seconds'],
    ['tool_timeout_sec: 60', 'write "timeouts: { request_seconds: 60 }", in seconds'],
    ['startup_timeout_sec: 20', 'write "timeouts: { connect_seconds: 20 }", in seconds'],
    ['max_retries: 3', 'write "reconnect: { max_attempts: 3 }"'],
    ['http_headers: { X: y }', headers],
    ['requestInit: { headers: { X: y } }', headers],
    ['X-API-Key: hunter2', 'a header goes into "headers: { NAME: VALUE }"'],
    ['authorization: Bearer hunter2', `${bearer}, or for another scheme "headers: { Authorization: VALUE }"`],
    ['bearer_token_env_var: T', bearer],
    ['autoApprove: [a]', approval],
    ['trust: true', approval],
    ['includeTools: [a]', 'write "tools: { allow: [NAME, …] }"'],
    ['disabledTools: [a]', 'write "tools: { deny: [NAME, …] }"'],
    ['namespace: a', 'write "tools: { prefix: TEXT }"'],
    ['tool_aliases: { a: b }', 'write "tools: { rename: { OLD: NEW } }"'],
    ['verify_ssl: false', skipVerify],
    ['insecure: true', skipVerify],
  ])('%s', (line, advice) => {
    const key = /^[\w-]+/.exec(line)?.[0];
    expect(problems(serverWith(line))).toEqual([`f.yaml:4:5: unknown key "${key}" in servers[0]; ${advice}`]);
  });

  test.each([
    ['type: stdio', stdio],
    ['transport: stdio', stdio],
    ['protocolVersion: 2025-06-18', 'the protocol version is negotiated; remove it'],
    ['bearerToken: hunter2', serverToken],
    ['apiKey: hunter2', serverToken],
    ['access_token: hunter2', serverToken],
    ['password: hunter2', serverToken],
    ['oauth: { clientId: hunter2 }', oauth],
  ])('%s', (line, statement) => {
    const key = /^[\w-]+/.exec(line)?.[0];
    expect(problems(serverWith(line))).toEqual([`f.yaml:4:5: servers[0].${key}: ${statement}`]);
  });

  test('the type of a server with a command is superfluous', () => {
    const text =
      'servers:\n  - name: a\n    type: stdio\n    command: npx\n    args: [-y]\n    env: { A: b }\n    cwd: /';
    expect(problems(text)).toEqual([
      'f.yaml:3:5: unknown key "type" in servers[0]; a server with a "command" speaks stdio; remove this key',
    ]);
  });

  test.each([
    ['cmd: npx', 'write "command: PROGRAM" and "args: [...]"'],
    ['arguments: [hunter2]', 'write "args: [...]"'],
    ['envVars: { A: hunter2 }', 'write "env: { NAME: VALUE }"'],
    ['workingDir: /', 'write "cwd: PATH"'],
  ])('of a process: %s', (line, advice) => {
    const key = /^[\w-]+/.exec(line)?.[0];
    const [name, target] = key === 'cmd' ? ['a', ''] : ['a', '\n    command: b'];
    expect(problems(`servers:\n  - name: ${name}${target}\n    ${line}`)).toEqual([
      `f.yaml:${key === 'cmd' ? 3 : 4}:5: unknown key "${key}" in servers[0]; ${advice}`,
    ]);
  });

  test.each(['baseUrl', 'endpoint', 'uri', 'httpUrl', 'serverUrl', 'address', 'link'])(
    '%s is the url, which is not missing then',
    (key) => {
      expect(problems(`servers:\n  - name: a\n    ${key}: http://b/mcp`)).toEqual([
        `f.yaml:3:5: unknown key "${key}" in servers[0]; write "url"`,
      ]);
    },
  );

  test.each(['id', 'key', 'server', 'title'])('%s is the name, which is not missing then', (key) => {
    expect(problems(`servers:\n  - ${key}: a\n    url: http://b/mcp`)).toEqual([
      `f.yaml:2:5: unknown key "${key}" in servers[0]; write "name"`,
    ]);
  });

  test('beside a name and a url these are just unknown', () => {
    expect(problems(serverWith('title: A', 'description: b', 'endpoint: c'))).toEqual([
      'f.yaml:4:5: unknown key "title" in servers[0]',
      'f.yaml:5:5: unknown key "description" in servers[0]',
      'f.yaml:6:5: unknown key "endpoint" in servers[0]',
    ]);
  });

  test('host and port are a url', () => {
    const advice = 'write all of it into "url": http://HOST:PORT/PATH';
    expect(problems('servers:\n  - name: a\n    host: b\n    port: 80')).toEqual([
      `f.yaml:3:5: unknown key "host" in servers[0]; ${advice}`,
      `f.yaml:4:5: unknown key "port" in servers[0]; ${advice}`,
    ]);
  });

  test.each([
    ['auth: { type: bearer, token_env: T, env: T }', '41', 'env', 'auth', 'write "token_env"'],
    ['timeouts: { request: 30 }', '17', 'request', 'timeouts', 'write "request_seconds"'],
    ['timeouts: { connect: 30 }', '17', 'connect', 'timeouts', 'write "connect_seconds"'],
    ['tools: { include: [a] }', '14', 'include', 'tools', 'write "allow: [NAME, …]"'],
    ['tools: { exclude: [a] }', '14', 'exclude', 'tools', 'write "deny: [NAME, …]"'],
    ['tools: { aliases: { a: b } }', '14', 'aliases', 'tools', 'write "rename: { OLD: NEW }"'],
    ['tools: { ttl: 30 }', '14', 'ttl', 'tools', 'write "ttl_seconds"'],
  ])('in a section, too: %s', (line, column, key, section, advice) => {
    expect(problems(serverWith(line), { T: 't' })).toEqual([
      `f.yaml:4:${column}: unknown key "${key}" in servers[0].${section}; ${advice}`,
    ]);
  });
});

describe('servers as other programs have them', () => {
  test.each([
    [
      'mcpServers:\n  github:\n    url: http://b\n  other:\n    url: http://c',
      'f.yaml:1:1: unknown key "mcpServers"; write a list "servers:", and below it "- name: github" with "url: …" below "name"',
    ],
    [
      'mcp_servers:\n  b: {}',
      'f.yaml:1:1: unknown key "mcp_servers"; write a list "servers:", and below it "- name: b" with "url: …" below "name"',
    ],
    [
      'context_servers:\n  "my server": {}',
      'f.yaml:1:1: unknown key "context_servers"; write a list "servers:", and below it "- name: NAME" with "url: …" below "name"',
    ],
    [
      '{"mcpServers": {"github": {"command": "npx", "env": {"TOKEN": "hunter2"}}}}',
      `f.yaml:1:2: unknown key "mcpServers"; write a list "servers:", and below it "- name: github" with "command: …" below "name"`,
    ],
    [
      'mcp_servers:\n  - name: a\n    url: http://b',
      'f.yaml:1:1: unknown key "mcp_servers"; write "servers"',
    ],
    [
      'mcp:\n  servers:\n    a: { url: http://b }',
      'f.yaml:2:3: unknown key "servers" in mcp; write a list "servers:" at the top of the file, and below it "- name: a" with "url: …" below "name"',
    ],
    [
      'mcp:\n  github: { type: remote, url: http://b }',
      'f.yaml:2:3: unknown key "github" in mcp; write a list "servers:" at the top of the file, and below it "- name: github" with "url: …" below "name"',
    ],
    [
      'github:\n  url: http://b',
      'f.yaml:1:1: unknown key "github"; write a list "servers:" at the top of the file, and below it "- name: github" with "url: …" below "name"',
    ],
    [
      'servers:\n  github:\n    url: http://b',
      'f.yaml:2:3: servers: expected a list of servers, each with "- name: …", found a mapping; write each with its name: "- name: github" with "url: …" below "name"',
    ],
    [
      'servers:\n  - github:\n      url: http://b',
      'f.yaml:2:5: unknown key "github" in servers[0]; the name is a value: "- name: github"',
    ],
    [
      'servers:\n  - http://b/mcp',
      'f.yaml:2:5: servers[0]: expected a mapping, found http://b/mcp; write "- name: NAME", and "url: …" below "name"',
    ],
    [
      'servers: http://b/mcp',
      'f.yaml:1:10: servers: expected a list of servers, each with "- name: …", found http://b/mcp; write "- name: NAME", and "url: …" below "name"',
    ],
  ])('%p', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
    expect(refusal(text)).not.toContain('hunter2');
  });
});

describe('a list or section that is not indented', () => {
  const list = 'expected a list of servers, each with "- name: …"';
  const url = 'expected an http:// or https:// URL, or a "command" to start';
  test.each([
    [
      'a list without its dashes',
      'servers:\n  name: a\n  url: http://b',
      [
        `f.yaml:2:3: servers: ${list}, found a mapping; put "- " in front of "name", and two spaces in front of the keys below it`,
      ],
    ],
    [
      'dashes without a space',
      'servers:\n  -name: a\n  -url: http://b',
      [`f.yaml:2:3: servers: ${list}, found a mapping; add a space after "-"`],
    ],
    [
      'a dash for each key',
      'servers:\n  - name: a\n  - url: http://b',
      [
        `f.yaml:2:5: servers[0].url is missing; ${url}; each "- " begins a new server`,
        'f.yaml:3:5: servers[1].name is missing; expected a name; each "- " begins a new server',
      ],
    ],
    [
      'keys below the dash',
      'servers:\n  - name: a\n  url: http://b',
      [
        'f.yaml:3:1: not valid YAML: all mapping items must start at the same column; begin this line in column 5, below "name"',
      ],
    ],
    [
      'keys too far to the left',
      'servers:\n  - name: a\n   url: http://b',
      [
        'f.yaml:3:1: not valid YAML: sequence item without - indicator; begin this line in column 5, below "name"',
      ],
    ],
    [
      'keys too far to the right',
      'servers:\n  - name: a\n      url: http://b',
      [
        'f.yaml:2:11: not valid YAML: nested mappings are not allowed in compact mappings; begin line 3 in column 5, below "name"',
      ],
    ],
    [
      'a dash too far to the right',
      'servers:\n - name: a\n   url: http://b\n  - name: c\n    url: http://d',
      [
        'f.yaml:4:3: not valid YAML: all sequence items must start at the same column; begin this line in column 2, below the "-" of line 2',
      ],
    ],
    [
      'a dash too far to the left',
      'servers:\n  - name: a\n    url: http://b\n - name: c\n   url: http://d',
      [
        'f.yaml:4:1: not valid YAML: a block sequence may not be used as an implicit map key; begin this line in column 3, below the "-" of line 2',
      ],
    ],
    [
      'a dash that is missing',
      'servers:\n  - name: a\n    url: http://b\n  name: c',
      [
        'f.yaml:4:1: not valid YAML: all mapping items must start at the same column; put "- " in front of "name"',
      ],
    ],
    [
      'a list in the line of its key',
      'servers: - name: a',
      [
        'f.yaml:1:10: not valid YAML: unexpected block-seq-ind on same line with key; begin the list on the next line',
      ],
    ],
    [
      'a key between two sections',
      'mcp:\n  auth:\n    mode: none\n   allowed_hosts: []',
      [
        'f.yaml:4:1: not valid YAML: all mapping items must start at the same column; begin this line in column 3, below "auth", or in column 5, below "mode"',
      ],
    ],
    [
      'a section whose keys stand beside it',
      'mcp:\nauth: { mode: bearer }',
      [
        'f.yaml:1:1: mcp: expected a mapping, found no value; indent its keys',
        'f.yaml:2:1: unknown key "auth"; it belongs to mcp: indent it',
      ],
    ],
    [
      'headers that stand beside it',
      serverWith('headers:', 'X-Key: hunter2'),
      [
        'f.yaml:4:5: servers[0].headers: expected a mapping of header names to values, found no value; indent its keys',
        'f.yaml:5:5: unknown key "X-Key" in servers[0]; it belongs to servers[0].headers: indent it',
      ],
    ],
    [
      'a server whose keys stand at the top',
      'servers:\n- name: a\nurl: http://b',
      [
        `f.yaml:2:3: servers[0].url is missing; ${url}`,
        'f.yaml:3:1: unknown key "url"; it belongs to a server: below "servers", indented, the first key after "- "',
      ],
    ],
    [
      'keys of a server at the column of its dash, before another server',
      'servers:\n- name: a\nurl: http://b\nenabled: true\n- name: c\n  url: http://d',
      [
        'f.yaml:5:1: not valid YAML: implicit keys need to be on a single line; begin line 3 in column 3, below "name"',
      ],
    ],
    [
      'a dash without a space, and a key below it',
      'servers:\n  -name: a\n   url: http://b',
      [
        'f.yaml:2:10: not valid YAML: nested mappings are not allowed in compact mappings; add a space after "-"',
      ],
    ],
    [
      'a list without its key',
      '- name: a\n  url: http://b',
      ['f.yaml:1:1: expected a mapping, found a list; put "servers:" in a line above the list'],
    ],
    [
      'tabs',
      'servers:\n\t- name: a',
      ['f.yaml:2:1: not valid YAML: tabs are not allowed as indentation; use spaces'],
    ],
  ])('gets the place where it belongs: %s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
    expect(refusal(text)).not.toContain('hunter2');
  });
});

test.each([
  ['My Server', 'My-Server'],
  ['github/repo', 'github-repo'],
])('the name %s gets one that it may have', (name, advised) => {
  expect(problems(`servers:\n  - name: ${name}\n    url: http://b/mcp`)).toEqual([
    `f.yaml:2:11: servers[0].name: expected a name of letters, digits, "_", "-" and ".", that begins with a letter or digit, found ${name}; write ${advised}`,
  ]);
});

test('a key that is needed is not to be removed', () => {
  expect(problems('servers:\n  - name: a\n    url:')).toEqual([
    'f.yaml:3:5: servers[0].url: expected an http:// or https:// URL, found no value; give it a value',
  ]);
});

test('a url within the transport belongs beside the name', () => {
  expect(problems('servers:\n  - name: a\n    transport: { type: http, url: http://b }')).toContain(
    'f.yaml:3:5: unknown key "transport" in servers[0]; write "url" beside "name"',
  );
});

test('a reference in { } that lacks its quotes is one problem, whatever follows it', () => {
  const text = `${serverWith('headers: { X-Key: ${KEY} }')}\n  - name: b\n    url: http://c\n`;
  expect(problems(text, { KEY: 'hunter2' })).toEqual([
    'f.yaml:4:24: not valid YAML: unexpected flow-map-start at node end; within { } and [ ] a value with "${NAME}" needs quotes',
  ]);
});

describe('a character that only looks right is named with its place', () => {
  test.each([
    ['servers:\n\u00a0\u00a0- name: a', 'f.yaml:2:1', 'column 1 is a no-break space; write a plain one'],
    [
      'servers:\n  -\u00a0name: a\n    url: http://b',
      'f.yaml:2:11',
      'column 4 is a no-break space; write a plain one',
    ],
    ['po\u200brt: 80', 'f.yaml:1:1', 'column 3 is an invisible character; remove it'],
    [
      'servers:\n  – name: a\n    url: http://b',
      'f.yaml:2:11',
      'column 3 is not the dash of a list; write "-"',
    ],
    [
      'servers:\n  • name: a\n    url: http://b',
      'f.yaml:2:11',
      'column 3 is not the dash of a list; write "-"',
    ],
    [
      'servers:\n  - name：a\n    url: http://b',
      'f.yaml:2:5',
      'column 9 is a wide colon; write ":" and a space',
    ],
    [
      serverWith('headers: { X-Key: “hunter2” }'),
      'f.yaml:4:23',
      'column 23 is a typographic quote; write a straight one',
    ],
  ])('%j', (text, place, advice) => {
    const found = problems(text).find((problem) => problem.startsWith(`${place}: `));
    expect(found).toEndWith(`; ${advice}`);
    expect(refusal(text)).not.toContain('hunter2');
  });

  test('but not in a comment', () => {
    expect(problems('prot: 80 # “mine” – yes')).toEqual([
      'f.yaml:1:1: unknown key "prot"; did you mean "port"?',
    ]);
  });
});

test('comments of JSON are recognized', () => {
  expect(problems('{\n  "servers": [ // mine\n  ] /* all */\n}')[0]).toEndWith('a comment begins with "#"');
  expect(problems('// mine\n{\n\t"servers": []\n}')[0]).toEndWith('; a comment begins with "#"');
});

test('TOML is recognized', () => {
  expect(problems('[mcp_servers.a]\nurl = "http://b/mcp"\n')[0]).toEndWith(
    'this looks like TOML; a configuration is YAML',
  );
});

describe('a value in the form of other programs gets the right one', () => {
  const seconds = 'expected a number of seconds from 0.01 to 2073600';
  test.each([
    ['timeouts: { connect_seconds: 30s }', `connect_seconds: ${seconds}, found 30s; write 30, in seconds`],
    ['timeouts: { request_seconds: "5m" }', `request_seconds: ${seconds}, found "5m"; write 300, in seconds`],
    ['tools: { ttl_seconds: 1h30m }', `ttl_seconds: ${seconds}, found 1h30m; write 5400, in seconds`],
    ['tools: { ttl_seconds: 500ms }', `ttl_seconds: ${seconds}, found 500ms; write 0.5, in seconds`],
    ['tools: { ttl_seconds: 2 minutes }', `ttl_seconds: ${seconds}, found 2 minutes; write 120, in seconds`],
    ['tools: { ttl_seconds: PT5M }', `ttl_seconds: ${seconds}, found PT5M; write 300, in seconds`],
    ['tools: { ttl_seconds: "0,5" }', `ttl_seconds: ${seconds}, found "0,5"; write 0.5`],
    ['tools: { ttl_seconds: 5 apples }', `ttl_seconds: ${seconds}, found 5 apples`],
    [
      'reconnect: { backoff_max_ms: 1m }',
      'backoff_max_ms: expected a whole number from 1 to 86400000, found 1m; write 60000, in milliseconds',
    ],
    [
      'reconnect: { max_attempts: unlimited }',
      'max_attempts: expected a whole number from 0 to 1000000, found unlimited; write 0 for no limit',
    ],
    [
      'reconnect: { max_attempts: -1 }',
      'max_attempts: expected a whole number from 0 to 1000000, found -1; write 0 for no limit',
    ],
    ['timeouts: 30s', 'timeouts: expected a mapping, found 30s; write { request_seconds: 30 }'],
    ['tools: 60', 'tools: expected a mapping, found 60; write { ttl_seconds: 60 }'],
    ['tools: [a]', 'tools: expected a mapping, found a list; write { allow: [NAME, …] }'],
    ['reconnect: false', 'reconnect: expected a mapping, found false; write { max_attempts: 1 }'],
    [
      'required: "yes"',
      'required: expected true or false, found "yes"; YAML 1.2 has no other words for it; write true',
    ],
    ['enabled: "false"', 'enabled: expected true or false, found "false"; remove the quotes'],
    [
      'enabled: off',
      'enabled: expected true or false, found off; YAML 1.2 has no other words for it; write false',
    ],
    [
      'protocol: http',
      'protocol: expected auto, streamable, sse or stdio, found http; did you mean "streamable"?',
    ],
    [
      'protocol: https',
      'protocol: expected auto, streamable, sse or stdio, found https; did you mean "streamable"?',
    ],
    [
      'protocol: http+sse',
      'protocol: expected auto, streamable, sse or stdio, found http+sse; did you mean "sse"?',
    ],
    [
      'headers: [ "X: hunter2" ]',
      'headers: expected a mapping of header names to values, found a list; write NAME: VALUE, one below the other, without "- "',
    ],
    [
      'headers: "X: hunter2"',
      'headers: expected a mapping of header names to values, found ***; write { NAME: VALUE }',
    ],
    ['auth: oauth', `auth: expected none or { type: bearer, token_env: NAME }, found oauth; ${oauth}`],
    ['auth: { type: oauth }', `type: expected bearer, found oauth; ${oauth}`],
    ['auth: { type: none }', 'type: expected bearer, found none; write "auth: none"'],
    [
      'auth: { type: api_key, name: X }',
      'type: expected bearer, found api_key; a header goes into "headers: { NAME: VALUE }"',
    ],
  ])('of a server: %s', (line, problem) => {
    const [found = ''] = problems(serverWith(line));
    expect(found.replace(/^f\.yaml:4:\d+: servers\[0\]\.(?:\w+\.(?=\w+: ))?/, '')).toBe(problem);
    expect(refusal(serverWith(line))).not.toContain('hunter2');
  });

  test.each([
    ['localhost:3000/mcp', 'localhost:3000/mcp; put http:// in front'],
    ['192.168.1.2/mcp', '192.168.1.2/mcp; put http:// in front'],
    ['mcp.example.com/mcp', 'mcp.example.com/mcp; put https:// in front'],
    ['//mcp.example.com/mcp', '//mcp.example.com/mcp; it begins with https://'],
    ['http:/b/mcp', 'http:/b/mcp; it begins with http://'],
    ['https//b/mcp', 'https//b/mcp; it begins with https://'],
    ['ws://b/mcp', 'ws://b/mcp; MCP has no WebSocket transport; if the server speaks HTTP, write http://'],
    ['wss://b/mcp', 'wss://b/mcp; MCP has no WebSocket transport; if the server speaks HTTP, write https://'],
    ['/mcp', '/mcp; write the whole URL, http://HOST:PORT/PATH'],
    ['3000', '3000; write the whole URL, http://127.0.0.1:PORT/mcp'],
    ['<http://b/mcp>', '<http://b/mcp>; write it without "<" and ">"'],
    ['http://b:65536/mcp', 'http://b:65536/mcp; a port is at most 65535'],
    ['http://me:my pass@b/mcp', 'http://***@b/mcp; write a space in it as %20'],
    ['"http://b/mcp "', '"http://b/mcp "; remove the spaces around it'],
    ['npx -y server', `npx -y server; ${stdio}`],
    ['me:hunter2@b/mcp', '***@b/mcp; put http:// in front'],
    ['http://$HOST:$PORT/mcp', 'http://$HOST:***/mcp; for the value of a variable write "${HOST}"'],
    ['ftp://b/mcp', 'ftp://b/mcp'],
  ])('of a url: %s', (url, found) => {
    expect(problems(`servers:\n  - name: a\n    url: ${url}`)).toEqual([
      `f.yaml:3:10: servers[0].url: expected an http:// or https:// URL, found ${found}`,
    ]);
  });

  const port = 'port: expected a whole number from 0 to 65535';
  const bytes = 'mcp.max_request_bytes: expected a whole number from 1 to 1073741824';
  test.each([
    ['port: :8766', `f.yaml:1:7: ${port}, found :8766; write 8766; the address goes into "host"`],
    [
      'port: 0.0.0.0:8766',
      `f.yaml:1:7: ${port}, found 0.0.0.0:8766; write 8766; the address goes into "host"`,
    ],
    ['port: "8766"', `f.yaml:1:7: ${port}, found "8766"; remove the quotes`],
    ['port: 8_766', `f.yaml:1:7: ${port}, found 8_766; write 8766`],
    ['port: 8766,', `f.yaml:1:7: ${port}, found 8766,; write 8766`],
    ['port: 8766 // http', `f.yaml:1:7: ${port}, found 8766 // http; a comment begins with "#"`],
    ['port: ${PORT}', `f.yaml:1:7: ${port}, found \${PORT}; variables are expanded below servers only`],
    ['port: $PORT', `f.yaml:1:7: ${port}, found $PORT; variables are expanded below servers only`],
    ['mcp: { max_request_bytes: 4MB }', `f.yaml:1:27: ${bytes}, found 4MB; write 4194304, in bytes`],
    ['mcp: { max_request_bytes: 4 MiB }', `f.yaml:1:27: ${bytes}, found 4 MiB; write 4194304, in bytes`],
    ['mcp: { max_request_bytes: 512k }', `f.yaml:1:27: ${bytes}, found 512k; write 524288, in bytes`],
    ['mcp: { max_request_bytes: 4_194_304 }', `f.yaml:1:27: ${bytes}, found 4_194_304; write 4194304`],
    [
      'mcp: { auth: bearer }',
      'f.yaml:1:14: mcp.auth: expected a mapping, found bearer; write { mode: bearer }',
    ],
    [
      'mcp: { auth: { mode: token } }',
      'f.yaml:1:22: mcp.auth.mode: expected none or bearer, found token; did you mean "bearer"?',
    ],
    [
      'mcp: { auth: { mode: oauth } }',
      `f.yaml:1:22: mcp.auth.mode: expected none or bearer, found oauth; ${oauth}`,
    ],
    ['mcp: { auth: { type: bearer } }', 'f.yaml:1:16: unknown key "type" in mcp.auth; write "mode: bearer"'],
    ['logging: debug', 'f.yaml:1:10: logging: expected a mapping, found debug; write { level: debug }'],
    ['logging: json', 'f.yaml:1:10: logging: expected a mapping, found json; write { format: json }'],
    ['metrics: false', 'f.yaml:1:10: metrics: expected a mapping, found false; write { enabled: false }'],
    [
      'logging: { level: verbose }',
      'f.yaml:1:19: logging.level: expected trace, debug, info, warn or error, found verbose; did you mean "trace"?',
    ],
    [
      'logging: { format: text }',
      'f.yaml:1:20: logging.format: expected auto, json or pretty, found text; did you mean "pretty"?',
    ],
    [
      'state_dir: ~/state',
      'f.yaml:1:12: state_dir: expected a full path without "~" and variables, or null, found ~/state',
    ],
    [
      'state_dir: $HOME/state',
      'f.yaml:1:12: state_dir: expected a full path without "~" and variables, or null, found $HOME/state; variables are expanded below servers only',
    ],
    [
      'state_dir: ${HOME}/state',
      'f.yaml:1:12: state_dir: expected a full path without "~" and variables, or null, found ${HOME}/state; variables are expanded below servers only',
    ],
    ['log_level: DEBUG', 'f.yaml:1:1: unknown key "log_level"; write "logging: { level: debug }"'],
    ['listen: 0.0.0.0:80', 'f.yaml:1:1: unknown key "listen"; write "host" and "port"'],
    ['server: { port: 80 }', 'f.yaml:1:1: unknown key "server"; its keys belong at the top of the file'],
    [
      'mcpstead: { servers: [] }',
      'f.yaml:1:1: unknown key "mcpstead"; its keys belong at the top of the file',
    ],
    ['enabled: true', 'f.yaml:1:1: unknown key "enabled"; it belongs to servers[] or metrics'],
    ['mcp: { port: 80 }', 'f.yaml:1:8: unknown key "port" in mcp; it belongs at the top of the file'],
    [
      'host: “localhost”',
      'f.yaml:1:7: host: expected a host name or IP address without port, found “localhost”; column 7 is a typographic quote; write a straight one',
    ],
    ['auth: { mode: bearer }', 'f.yaml:1:1: unknown key "auth"; write "mcp: { auth: { mode: bearer } }"'],
    ['allowedHosts: [a]', 'f.yaml:1:1: unknown key "allowedHosts"; it belongs to mcp, as "allowed_hosts"'],
    ['token: hunter2', `f.yaml:1:1: token: ${gatewayToken}`],
    ['apiKey: hunter2', `f.yaml:1:1: apiKey: ${gatewayToken}`],
    [
      'logging: { file: a.log }',
      'f.yaml:1:12: unknown key "file" in logging; the log is written to stderr; remove it',
    ],
    [
      'metrics: { port: 9090 }',
      'f.yaml:1:12: unknown key "port" in metrics; metrics are served at /metrics on the same port; remove it',
    ],
    [
      'servers: [ null ]',
      'f.yaml:1:12: servers[0]: expected a mapping, found no value; remove the "-", or give it a value',
    ],
    ['port = 80', 'f.yaml:1:1: expected a mapping, found ***; write ":" and a space in place of "="'],
    ['{ // comment\n "port": 80 }', 'f.yaml:1:3: unknown key "***"; a comment begins with "#"'],
  ])('of the gateway: %s', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
    expect(refusal(text)).not.toContain('hunter2');
  });
});

test('advice is made of what the file says, not of what a variable holds', () => {
  const text = serverWith('timeout: "${T}"', 'required: "${T}"', 'timeouts: "${T}"').replace(
    'http://localhost/mcp',
    '${U}/mcp',
  );
  const message = refusal(text, { T: '4711', U: 'hidden.example' });
  expect(message).not.toContain('4711');
  expect(message).not.toContain('hidden.example');
  expect(problems(text, { T: '4711', U: 'hidden.example' })).toEqual([
    'f.yaml:3:10: servers[0].url: expected an http:// or https:// URL, found ${U}/mcp; check the value of the variable',
    'f.yaml:4:5: unknown key "timeout" in servers[0]; write "timeouts: { request_seconds: 60 }"',
    'f.yaml:5:15: servers[0].required: expected true or false, found "${T}"; the value of a variable is always text',
    'f.yaml:6:15: servers[0].timeouts: expected a mapping, found "${T}"; the value of a variable is always text',
  ]);
});

test('a file in JSON, with commas at the end of lists, is as good as one in YAML', () => {
  const { config } = read('{\n\t"servers": [\n\t\t{ "name": "a", "url": "http://b/mcp", },\n\t],\n}\n');
  expect(config.servers.map(({ name, url }) => [name, url])).toEqual([['a', 'http://b/mcp']]);
});
