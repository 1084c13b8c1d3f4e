import { describe, expect, test } from 'bun:test';
import type { Logger } from '../../../src/observability/log.ts';
import type { Kind } from '../../../src/protocol/kinds.ts';
import { Registry } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { itemOf, ListedUpstream, serverConfigOf } from '../../support/listed-upstream.ts';

/** A registry of upstreams with these names, which have no items yet. */
function registryOf(...names: string[]) {
  const seen = { changes: 0, warnings: [] as unknown[] };
  const logger = { warn: (...line: unknown[]) => void seen.warnings.push(line) } as unknown as Logger;
  const clock = new FakeClock();
  const onChange = (kind: Kind, view: string) => {
    expect([kind, view]).toEqual(['tools', '']);
    seen.changes++;
  };
  const registry = new Registry(logger, onChange, clock);
  const upstreams = names.map((name) => new ListedUpstream(name));
  const set = (...order: ListedUpstream[]) => {
    registry.configure(
      order.map(({ upstream }) => upstream),
      [],
    );
  };
  const list = (up: ListedUpstream, ...items: ReturnType<typeof itemOf>[]) => {
    up.listed = items;
    registry.update(up.upstream);
  };
  set(...upstreams);
  const catalog = () => registry.view('')!.catalog('tools');
  const listed = () => {
    const { tools } = JSON.parse(catalog().list('legacy').toString()) as { tools: { name: string }[] };
    return tools.map(({ name }) => name);
  };
  return {
    upstreams: upstreams as [ListedUpstream, ListedUpstream],
    set,
    list,
    catalog,
    listed,
    seen,
    clock,
  };
}

describe('the catalog follows', () => {
  test('the items of its upstreams', () => {
    const { upstreams, list, catalog, listed } = registryOf('a', 'b');
    const [a, b] = upstreams;
    list(a, itemOf('old'), itemOf('kept'));
    list(b, itemOf('old'));
    list(a, itemOf('kept'), itemOf('new'));
    expect(listed()).toEqual(['a__kept', 'a__new', 'b__old']);
    expect(['a__old', 'a__kept', 'a__new', 'b__old'].filter((name) => catalog().find(name))).toEqual(
      listed(),
    );
    list(a);
    expect(listed()).toEqual(['b__old']);
    expect(catalog().find('a__kept')).toBeUndefined();
  });

  test('the configuration: removed upstreams lose their items, others change places', () => {
    const { upstreams, set, list, catalog, listed } = registryOf('a', 'b');
    const [a, b] = upstreams;
    list(a, itemOf('t'));
    list(b, itemOf('t'));
    set(b, a);
    expect(listed()).toEqual(['b__t', 'a__t']);
    set(b);
    expect(listed()).toEqual(['b__t']);
    expect(catalog().find('a__t')).toBeUndefined();
  });

  test('a restart: entries lead to the successor, and the predecessor is ignored', () => {
    const { upstreams, set, list, catalog, listed } = registryOf('a', 'b');
    const [a, b] = upstreams;
    list(a, itemOf('t'));
    const successor = new ListedUpstream('a', a.listed);
    set(successor, b);
    expect(catalog().find('a__t')?.upstream).toBe(successor.upstream);
    list(a, itemOf('late'));
    expect(listed()).toEqual(['a__t']);
  });

  test('and one that was taken before a change stays as it was', () => {
    const { upstreams, set, list, catalog } = registryOf('a', 'b');
    const [a, b] = upstreams;
    list(a, itemOf('t'));
    const taken = catalog();
    list(b, itemOf('t'));
    set(b);
    expect(taken.list('legacy').toString()).toBe('{"tools":[{"name":"a__t"}]}');
    expect(taken.find('a__t')?.upstream).toBe(a.upstream);
    expect(taken.find('b__t')).toBeUndefined();
  });
});

describe('a change is reported', () => {
  test('once, if clients can see it', () => {
    const { upstreams, set, list, seen } = registryOf('a', 'b');
    const [a, b] = upstreams;
    list(a, itemOf('t'));
    expect(seen.changes).toBe(1);
    list(a, itemOf('t', '{"name":"t","title":"new"}'));
    expect(seen.changes).toBe(2);
    list(b, itemOf('t'));
    set(b, a);
    expect(seen.changes).toBe(4);
    set();
    expect(seen.changes).toBe(5);
  });

  test('not if the list stays the same', () => {
    const { upstreams, set, list, catalog, seen } = registryOf('a', 'b');
    const [a, b] = upstreams;
    list(a, itemOf('t'));
    const { length } = catalog().list('legacy');
    seen.changes = 0;
    list(a, itemOf('t'));
    list(b);
    set(a, b);
    set(b, a);
    set(a);
    set(new ListedUpstream('a', a.listed));
    expect(seen.changes).toBe(0);
    expect(catalog().list('legacy').length).toBe(length);
  });
});

test('a list that is the same again is not serialized again', () => {
  const { upstreams, list, catalog } = registryOf('a');
  list(upstreams[0], itemOf('t'));
  const bytes = catalog().list('legacy');
  list(upstreams[0], itemOf('t'));
  expect(catalog().list('legacy')).toBe(bytes);
});

test('names that clients refuse are logged once per upstream', () => {
  const { upstreams, list, seen } = registryOf('a', 'b');
  const [a, b] = upstreams;
  list(a, itemOf('fine'));
  expect(seen.warnings).toEqual([]);
  list(a, itemOf('with.dot'), itemOf('fine'), itemOf('another.dot'));
  list(a, itemOf('third.dot'));
  list(b, itemOf('x'.repeat(62)));
  expect(seen.warnings).toEqual([
    [
      "a tool's name has characters other than letters, digits, _ and -, which some clients refuse",
      { server: 'a', tools: 2, example: 'a__with.dot' },
    ],
    [
      "a tool's name has over 64 characters, which many clients refuse",
      { server: 'b', tools: 1, example: `b__${'x'.repeat(62)}` },
    ],
  ]);
});

test('names are those that clients see, and are checked again when these change', () => {
  const { upstreams, set, list, seen } = registryOf('a', 'b');
  const [a, b] = upstreams;
  a.config = serverConfigOf('a', { tools: { prefix: false, deny: ['hidden.*'] } });
  set(a, b);
  list(a, itemOf('x'.repeat(49)), itemOf('hidden.dot'));
  expect(seen.warnings).toEqual([]);
  a.config = serverConfigOf('a', { tools: { prefix: 'z'.repeat(14), deny: ['hidden.*'] } });
  set(a, b);
  expect(seen.warnings).toEqual([
    [
      "a tool's name has over 64 characters, which many clients refuse",
      { server: 'a', tools: 1, example: `${'z'.repeat(14)}__${'x'.repeat(49)}` },
    ],
  ]);
});

test('items that others hide are logged once per pair of upstreams, a second after the first change', () => {
  const { upstreams, set, list, seen, clock } = registryOf('a', 'b');
  const [a, b] = upstreams;
  for (const up of [a, b]) up.config = serverConfigOf(up.name, { tools: { prefix: false } });
  set(a, b);
  list(a, itemOf('t'), itemOf('u'));
  list(b, itemOf('t'), itemOf('v'), itemOf('u'));
  clock.advance(999);
  expect(seen.warnings).toEqual([]);
  clock.advance(1);
  list(b, itemOf('u'));
  clock.advance(1_000);
  expect(seen.warnings).toEqual([
    [
      'tools are left out, because others that come first have the same names',
      { server: 'b', others: 'a', tools: 2, example: 't' },
    ],
  ]);
});
