import { describe, expect, test } from 'bun:test';
import { unmatchedNames } from '../../../../src/cli/checking/unmatched-names.ts';
import { read } from '../../config/reading.ts';

const settings = {
  tools: { allow: ['get_item', 'list_*', 'nowhere'], deny: ['delete_itm'], rename: { get_itm: 'get' } },
  prompts: { allow: ['*'], deny: ['plam'] },
};
const found = { tools: ['get_item', 'delete_item'], prompts: ['plan'], servedTools: ['up__get_item'] };
const read1 = (more = '') =>
  read(
    `servers: [${JSON.stringify({ name: 'up', url: 'http://127.0.0.1:1/mcp', ...settings })}, { name: b, url: 'http://127.0.0.1:2/mcp' }]\n${more}`,
  ).config;

describe('names in the settings that no item has', () => {
  test('are named with what they may be meant for, patterns apart', () => {
    const config = read1();
    const [server] = config.servers;
    expect(unmatchedNames(config, [{ server: server!, ...found }])).toEqual([
      'up: tools.rename names "get_itm", but no tool has this name; did you mean "get_item"?',
      'up: tools.allow names "nowhere", but no tool has this name',
      'up: tools.deny names "delete_itm", but no tool has this name; did you mean "delete_item"?',
      'up: prompts.deny names "plam", but no prompt has this name; did you mean "plan"?',
    ]);
  });

  test('are unknown while the list is', () => {
    const config = read1();
    const [server] = config.servers;
    expect(unmatchedNames(config, [{ server: server!, tools: [], prompts: [], servedTools: [] }])).toEqual(
      [],
    );
  });

  test('are those of the whole in a profile, if all of its servers are reachable', () => {
    const config = read1(
      `profiles:
  - { name: one, servers: [up], tools: { allow: [get_item, up__get_item, '*x'] } }
  - { name: two, servers: [up, b], tools: { allow: ['*'], deny: [b__put, b__pit] } }
`,
    );
    const [up, b] = config.servers;
    const own = { tools: [], prompts: [] };
    const ofUp = { server: up!, ...own, servedTools: ['up__get_item'] };
    const ofOne =
      'one: tools.allow names "get_item", but no tool has this name; did you mean "up__get_item"?';
    expect(unmatchedNames(config, [ofUp])).toEqual([ofOne]);
    expect(unmatchedNames(config, [ofUp, { server: b!, ...own, servedTools: ['b__put'] }])).toEqual([
      ofOne,
      'two: tools.deny names "b__pit", but no tool has this name; did you mean "b__put"?',
    ]);
  });
});
