import { expect, test } from 'bun:test';
import { problems, read, serverWith } from './reading.ts';

const servers = [
  'servers:',
  '  - { name: github, url: "http://a/mcp" }',
  '  - { name: files, url: "http://b/mcp", enabled: false }',
].join('\n');

/** A file with two servers, whose line 4 lists these profiles. */
const withProfiles = (profiles: string) => `${servers}\nprofiles: ${profiles}`;

test('a profile shows all tools of its servers, one of which may be disabled', () => {
  expect(read(withProfiles('[{ name: review, servers: [files, github] }]')).config.profiles).toEqual([
    { name: 'review', servers: ['files', 'github'], tools: { allow: ['*'], deny: [] } },
  ]);
});

test.each([
  [
    '[{ name: github, servers: [files] }]',
    '4:20: profiles[0].name: "github" is taken; names of servers and profiles are unique',
    '2:13: a server has this name',
  ],
  [
    '[{ name: a, servers: [files] }, { name: a, servers: [github] }]',
    '4:51: profiles[1].name: "a" is taken; names of servers and profiles are unique',
    '4:20: a profile has this name',
  ],
  [
    '[{ name: a__b, servers: [files] }]',
    '4:20: profiles[0].name: expected a name without "__", which separates server and tool names, found a__b',
  ],
  [
    '[{ name: a, servers: [gihub] }]',
    '4:33: profiles[0].servers[0]: no server is named "gihub"; did you mean "github"?',
  ],
  ['[{ name: a, servers: [mail] }]', '4:33: profiles[0].servers[0]: no server is named "mail"'],
  [
    '[{ name: a, servers: [files, files] }]',
    '4:40: profiles[0].servers[1]: "files" is named twice',
    '4:33: named here first',
  ],
  [
    '[{ name: a, servers: [] }]',
    '4:32: profiles[0].servers: expected at least one name of a server, found a list',
  ],
  ['[{ name: a }]', '4:12: profiles[0].servers is missing; expected a list of names'],
  [
    '[{ name: a, servers: [files], tools: { alow: [x] } }]',
    '4:50: unknown key "alow" in profiles[0].tools; did you mean "allow"?',
  ],
  ['[{ name: a, servers: files }]', '4:32: profiles[0].servers: expected a list of names, found files'],
])('the profiles %s are refused', (profiles, ...lines) => {
  expect(problems(withProfiles(profiles))).toEqual(lines.map((line) => `f.yaml:${line}`));
});

test.each([
  ['{}', {}],
  ['{ get: fetch, "odd name/x": a.b-c_1 }', { get: 'fetch', 'odd name/x': 'a.b-c_1' }],
])('tools get new names: %s', (rename, expected) => {
  expect(read(serverWith(`tools: { rename: ${rename} }`)).config.servers[0]?.tools.rename).toEqual(expected);
});

test.each([
  [
    'tools: { rename: { a: c, b: c } }',
    '4:33: servers[0].tools.rename: two tools get the name "c"',
    '4:27: another tool gets this name',
  ],
  [
    'tools: { rename: { a: "b c" } }',
    '4:27: servers[0].tools.rename.a: expected a name of at most 128 letters, digits, "_", "-" and ".", found "b c"',
  ],
  [
    'tools: { rename: [a] }',
    '4:22: servers[0].tools.rename: expected a mapping of names to names, found a list',
  ],
  [
    'tools: { prefix: a__b }',
    '4:22: servers[0].tools.prefix: expected a name without "__", which separates server and tool names, found a__b',
  ],
  [
    'tools: { prefix: 7 }',
    '4:22: servers[0].tools.prefix: expected true, false or a text like the name of a server, found 7',
  ],
  ['tools: { allow: read }', '4:21: servers[0].tools.allow: expected a list of patterns, found read'],
  [
    'prompts: { deny: [""] }',
    '4:23: servers[0].prompts.deny[0]: expected a pattern for names, such as "read_*", found ""',
  ],
  ['resources: { alow: [a] }', '4:18: unknown key "alow" in servers[0].resources; did you mean "allow"?'],
])('%s is refused', (line, ...lines) => {
  expect(problems(serverWith(line))).toEqual(lines.map((text) => `f.yaml:${text}`));
});
