import { describe, expect, test } from 'bun:test';
import {
  factsThatFit,
  type SessionFacts,
  SessionIds,
} from '../../../../src/downstream/legacy/session-ids.ts';
import { volatileState } from '../../../../src/state/state.ts';

const nowSeconds = () => Date.now() / 1000;
const facts = (some: Partial<SessionFacts> = {}): SessionFacts => ({
  protocolVersion: '2025-11-25',
  clientInfo: '{"name":"client","version":"1.0.0"}',
  capabilities: '{"roots":{"listChanged":true},"elicitation":{}}',
  principal: 'none',
  view: '',
  openedSeconds: nowSeconds(),
  ...some,
});

describe('the id of a session', () => {
  test('gives all facts to a process with the same key', () => {
    const state = volatileState();
    const all = facts({ clientInfo: '{"name":"ö \\u00f6","n":1e2}', principal: 'bearer', view: 'v' });
    const id = new SessionIds(state).issue(all);
    const { seal } = state;
    expect(new SessionIds({ ...volatileState(), seal }).read(id)).toEqual(all);
  });

  test('is unique, even for the same client at the same moment', () => {
    const ids = new SessionIds(volatileState());
    const same = facts();
    expect(ids.issue(same)).not.toBe(ids.issue(same));
  });

  test('means nothing to a process with another key', () => {
    const id = new SessionIds(volatileState()).issue(facts());
    expect(new SessionIds(volatileState()).read(id)).toBeNull();
  });

  test('gives no facts once the session has ended', () => {
    const ids = new SessionIds(volatileState());
    const [ended, open] = [ids.issue(facts()), ids.issue(facts())];
    ids.end(ended, facts().openedSeconds);
    expect(ids.read(ended)).toBeNull();
    expect(ids.read(open)).not.toBeNull();
  });

  test.each([
    [29, true],
    [31, false],
  ])('opened %d days ago can be resumed: %p', (days, may) => {
    const ids = new SessionIds(volatileState());
    const id = ids.issue(facts({ openedSeconds: nowSeconds() - days * 86_400 }));
    expect(ids.read(id) !== null).toBe(may);
  });

  test('cannot be a text sealed for another purpose', () => {
    const state = volatileState();
    expect(new SessionIds(state).read(state.seal.seal('other', '[]'))).toBeNull();
  });
});

describe("a client's description of itself", () => {
  const long = 'x'.repeat(2_000);
  const essential = { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} }, tasks: {} };

  test.each([
    ['is kept as it is where it is short', '{"name":"c" }', '{"a":[1.0]}', '{"name":"c" }', '{"a":[1.0]}'],
    [
      'is cut to name and version where it is long',
      JSON.stringify({ name: 'c', icons: [{ src: long }], version: '1' }),
      '{"a":1}',
      '{"name":"c","version":"1"}',
      '{"a":1}',
    ],
    [
      'keeps the capabilities that all clients know, where there are long ones',
      '{"name":"c"}',
      JSON.stringify({ experimental: { long }, ...essential }),
      '{"name":"c"}',
      JSON.stringify(essential),
    ],
    [
      'keeps no capability where even those are long',
      '{"a":1}',
      JSON.stringify({ roots: { long } }),
      '{}',
      '{}',
    ],
    [
      'keeps the beginning of a long name',
      JSON.stringify({ name: `${'x'.repeat(99)}\ud83d\ude00`, version: long }),
      '{}',
      JSON.stringify({ name: `${'x'.repeat(99)}\ufffd`, version: 'x'.repeat(100) }),
      '{}',
    ],
    [
      'is not looked into where that would take long',
      JSON.stringify({ name: 'c', x: 'x'.repeat(70_000) }),
      JSON.stringify({ roots: {}, x: 'x'.repeat(70_000) }),
      '{}',
      '{}',
    ],
    [
      'may be as deep as it likes',
      '{"name":"c"}',
      `{"roots":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
      '{"name":"c"}',
      '{}',
    ],
  ])('%s', (_, clientInfo, capabilities, keptInfo, keptCapabilities) => {
    const kept = factsThatFit(facts({ clientInfo, capabilities }));
    expect([kept.clientInfo, kept.capabilities]).toEqual([keptInfo, keptCapabilities]);
    const ids = new SessionIds(volatileState());
    const id = ids.issue(kept);
    expect(id.length).toBeLessThanOrEqual(2_048);
    expect(ids.read(id)).toEqual(kept);
  });

  test('fits even if every character is escaped to six', () => {
    const info = JSON.stringify({ name: '\u0001'.repeat(3_000), version: '\u0001'.repeat(3_000) });
    const kept = factsThatFit(facts({ clientInfo: info, principal: 'bearer' }));
    expect(new SessionIds(volatileState()).issue(kept).length).toBeLessThanOrEqual(2_048);
  });
});
