import { describe, expect, test } from 'bun:test';
import { unmatchedNames } from '../../../../src/cli/checking/unmatched-names.ts';
import { read } from '../../config/reading.ts';

const settings = {
  tools: { allow: ['get_item', 'list_*', 'nowhere'], deny: ['delete_itm'], rename: { get_itm: 'get' } },
  prompts: { allow: ['*'], deny: ['plam'] },
};

/** A configuration with the server `up`, which has these settings, and the server `b`. */
function configWith(profiles: readonly object[] = [], ofB: object = {}) {
  const servers = [
    { name: 'up', url: 'http://127.0.0.1:1/mcp', ...settings },
    { name: 'b', url: 'http://127.0.0.1:2/mcp', ...ofB },
  ];
  return read(JSON.stringify({ servers, profiles })).config;
}

describe('names in the settings that no item has', () => {
  test('are named with what they may be meant for, patterns apart', () => {
    const { servers, profiles } = configWith();
    const found = { tools: ['get_item', 'delete_item'], prompts: ['plan'], servedTools: ['up__get_item'] };
    expect(unmatchedNames(profiles, [{ server: servers[0]!, ...found }])).toEqual([
      {
        subject: 'up',
        text: 'tools.rename names "get_itm", but no tool has this name; did you mean "get_item"?',
      },
      { subject: 'up', text: 'tools.allow names "nowhere", but no tool has this name' },
      {
        subject: 'up',
        text: 'tools.deny names "delete_itm", but no tool has this name; did you mean "delete_item"?',
      },
      { subject: 'up', text: 'prompts.deny names "plam", but no prompt has this name; did you mean "plan"?' },
    ]);
  });

  test('are unknown while the list is', () => {
    const { servers, profiles } = configWith();
    const none = { tools: [], prompts: [], servedTools: [] };
    expect(unmatchedNames(profiles, [{ server: servers[0]!, ...none }])).toEqual([]);
  });

  describe('in a profile', () => {
    const one = { name: 'one', servers: ['up'], tools: { allow: ['get_item', 'up__get_item', '*x'] } };
    const two = { name: 'two', servers: ['up', 'b'], tools: { deny: ['b__put', 'b__pit'] } };
    const own = { tools: [], prompts: [] };
    const ofOne = {
      subject: 'one',
      text: 'tools.allow names "get_item", but no tool has this name; did you mean "up__get_item"?',
    };
    const ofTwo = {
      subject: 'two',
      text: 'tools.deny names "b__pit", but no tool has this name; did you mean "b__put"?',
    };

    test('are those that no tool of its servers has for clients', () => {
      const { servers, profiles } = configWith([one, two]);
      const [up, b] = servers;
      const ofUp = { server: up!, ...own, servedTools: ['up__get_item'] };
      const ofB = { server: b!, ...own, servedTools: ['b__put'] };
      expect(unmatchedNames(profiles, [ofUp, ofB])).toEqual([ofOne, ofTwo]);
    });

    test.each([
      ['could not be reached', {}],
      ['is disabled', { enabled: false }],
    ])('are unknown if one of its servers %s', (_why, ofB) => {
      const { servers, profiles } = configWith([one, two], ofB);
      const ofUp = { server: servers[0]!, ...own, servedTools: ['up__get_item'] };
      expect(unmatchedNames(profiles, [ofUp])).toEqual([ofOne]);
    });
  });
});
