import { describe, expect, test } from 'bun:test';
import type { Logger } from '../../../src/observability/log.ts';
import type { Kind } from '../../../src/protocol/kinds.ts';
import { Registry } from '../../../src/registry/registry.ts';
import { itemOf, ListedUpstream } from '../../support/listed-upstream.ts';

const logger = { warn() {} } as unknown as Logger;
const open = { allow: ['*'], deny: [] };

/** A registry with the changes that it reports. */
function registryOf(...upstreams: ListedUpstream[]) {
  const changes: string[] = [];
  const registry = new Registry(logger, (kind, view) => void changes.push(`${view}:${kind}`));
  const configure = (of: readonly ListedUpstream[], profiles: Parameters<Registry['configure']>[1] = []) =>
    registry.configure(
      of.map(({ upstream }) => upstream),
      profiles,
    );
  configure(upstreams);
  changes.length = 0;
  const namesIn = (view: string, kind: Kind = 'tools') => {
    const items = JSON.parse(String(registry.view(view)?.catalog(kind).list('legacy'))) as object;
    return (Object.values(items)[0] as { name: string }[]).map(({ name }) => name);
  };
  return { registry, configure, changes, namesIn };
}

const up = (name: string, tools: readonly string[], settings: object = {}) => {
  const made = new ListedUpstream(
    name,
    tools.map((tool) => itemOf(tool)),
    settings,
  );
  made.others.prompts = [itemOf('p')];
  return made;
};

describe('the view', () => {
  test('of a server has bare names, whatever the prefix', () => {
    const { registry, namesIn } = registryOf(
      up('a', ['t', 'u'], { tools: { prefix: 'x', rename: { u: 'v' } } }),
      up('b', ['t']),
    );
    expect(namesIn('')).toEqual(['x__t', 'x__v', 'b__t']);
    expect(namesIn('a')).toEqual(['t', 'v']);
    expect(namesIn('a', 'prompts')).toEqual(['p']);
    const view = registry.view('a')!;
    expect(view.catalog('tools').find('v')?.target).toEqual({ name: 'name', value: '"u"' });
    expect(view.catalog('tools').find('x__t')).toBeUndefined();
    expect(view.upstreams.map(({ name }) => name)).toEqual(['a']);
  });

  test('of a profile has its servers in the order of the file, narrowed by the names of the whole', () => {
    const [a, b, c] = [up('a', ['t', 'u']), up('b', ['t']), up('c', ['t'])] as const;
    const { configure, namesIn } = registryOf();
    configure(
      [a, b, c],
      [
        { name: 'all', servers: ['c', 'a'], tools: open },
        { name: 'some', servers: ['a', 'b'], tools: { allow: ['a__*', 'b__u'], deny: ['*__t'] } },
      ],
    );
    expect(namesIn('all')).toEqual(['a__t', 'a__u', 'c__t']);
    expect(namesIn('some')).toEqual(['a__u']);
    expect(namesIn('some', 'prompts')).toEqual(['a__p', 'b__p']);
  });

  test('that is not configured does not exist', () => {
    const { registry } = registryOf(up('a', []));
    for (const name of ['b', '__proto__', 'a ']) expect(registry.view(name), name).toBeUndefined();
  });

  test('stays the same object while it exists', () => {
    const a = up('a', ['t']);
    const { registry, configure } = registryOf(a);
    const [whole, own] = [registry.view(''), registry.view('a')];
    configure([a, up('b', [])]);
    expect(registry.view('')).toBe(whole!);
    expect(registry.view('a')).toBe(own!);
  });
});

describe('several items under one name:', () => {
  test('the first in the file is listed and found', () => {
    const bare = { tools: { prefix: false } };
    const [a, b] = [up('a', ['t', 'u'], bare), up('b', ['t', 'v'], bare)] as const;
    const { registry, namesIn } = registryOf(a, b);
    expect(namesIn('')).toEqual(['t', 'u', 'v']);
    expect(registry.view('')?.catalog('tools').find('t')?.upstream).toBe(a.upstream);
    expect(registry.view('b')?.catalog('tools').find('t')?.upstream).toBe(b.upstream);
  });

  test('a change of one that is hidden is no change', () => {
    const bare = { tools: { prefix: false } };
    const [a, b] = [up('a', ['t'], bare), up('b', ['t', 'v'], bare)] as const;
    const { registry, namesIn, changes } = registryOf(a, b);
    expect(namesIn('')).toEqual(['t', 'v']);
    b.listed = [itemOf('t', '{"name":"t","title":"new"}'), itemOf('v')];
    registry.update(b.upstream);
    expect(changes).toEqual([]);
    namesIn('');
    a.listed = [];
    registry.update(a.upstream);
    expect(changes).toEqual([':tools']);
    expect(namesIn('')).toEqual(['t', 'v']);
    expect(registry.view('')?.catalog('tools').find('t')?.upstream).toBe(b.upstream);
  });
});

describe('a change is reported', () => {
  test('for each view in use that shows it, and for no other', () => {
    const [a, b] = [up('a', ['t']), up('b', ['t'])] as const;
    const { registry, configure, changes } = registryOf();
    configure([a, b], [{ name: 'p', servers: ['a'], tools: { allow: ['*__t'], deny: [] } }]);
    for (const view of ['a', 'b', 'p']) registry.view(view);
    changes.length = 0;
    a.listed = [itemOf('t'), itemOf('new')];
    registry.update(a.upstream);
    expect(changes).toEqual([':tools', 'a:tools']);
    changes.length = 0;
    a.others.prompts = [];
    registry.update(a.upstream);
    expect(changes).toEqual([':prompts', 'a:prompts', 'p:prompts']);
  });

  test('not for items that filters hide', () => {
    const a = up('a', ['t'], { tools: { deny: ['secret*'] } });
    const { registry, changes } = registryOf(a);
    registry.view('a');
    a.listed = [itemOf('t'), itemOf('secret_2')];
    registry.update(a.upstream);
    expect(changes).toEqual([]);
  });
});

describe('a reload', () => {
  test('applies filters, prefixes and new names, and leaves other lists alone', () => {
    const [a, b] = [up('a', ['t', 'u']), up('b', ['t'])] as const;
    const { registry, configure, changes, namesIn } = registryOf(a, b);
    const bytes = registry.view('b')?.catalog('tools').list('legacy');
    a.config = up('a', [], { tools: { prefix: 'z', deny: ['u'], rename: { t: 's' } } }).config;
    configure([a, b]);
    expect(namesIn('')).toEqual(['z__s', 'b__t']);
    expect(changes).toEqual([':tools', ':prompts']);
    expect(String(registry.view('b')?.catalog('tools').list('legacy'))).toBe(String(bytes));
  });

  test('changes and removes profiles, and says which views are gone', () => {
    const a = up('a', ['t', 'u']);
    const { registry, configure, changes, namesIn } = registryOf(a);
    const profile = (allow: string[]) => [{ name: 'p', servers: ['a'], tools: { allow, deny: [] } }];
    configure([a], profile(['*']));
    expect(namesIn('p')).toEqual(['a__t', 'a__u']);
    changes.length = 0;
    expect(configure([a], profile(['*__u']))).toEqual([]);
    expect(namesIn('p')).toEqual(['a__u']);
    expect(changes).toEqual(['p:tools']);
    expect(configure([a])).toEqual(['p']);
    expect(registry.view('p')).toBeUndefined();
    expect(configure([])).toEqual([]);
  });
});

describe('the upstream of a name that is not listed', () => {
  test('is the one whose names look like it, if it does not hide it', () => {
    const { registry } = registryOf(up('a', [], { tools: { deny: ['secret'] } }), up('b', []));
    const whole = registry.view('')!;
    const of = (name: string) => whole.upstreamOf('tools', name)?.name;
    expect(['a__x', 'b__x', 'c__x', 'x', 'a__secret', 'a__', ''].map(of)).toEqual([
      'a',
      'b',
      undefined,
      undefined,
      undefined,
      'a',
      undefined,
    ]);
    expect(registry.view('b')?.upstreamOf('tools', 'x')?.name).toBe('b');
    expect(registry.view('b')?.upstreamOf('tools', 'a__x')?.name).toBe('b');
  });

  test('is one that is not connected, if several may have it', () => {
    const bare = { tools: { prefix: false } };
    const [a, b] = [up('a', [], bare), up('b', [], bare)] as const;
    const { registry } = registryOf(a, b);
    const of = () => registry.view('')?.upstreamOf('tools', 'x')?.name;
    expect(of()).toBe('a');
    b.isConnected = false;
    expect(of()).toBe('b');
  });

  test('is none for what a profile hides', () => {
    const { registry, configure } = registryOf();
    configure([up('a', [])], [{ name: 'p', servers: ['a'], tools: { allow: ['*'], deny: ['a__x'] } }]);
    const view = registry.view('p')!;
    expect(view.upstreamOf('tools', 'a__x')).toBeUndefined();
    expect(view.upstreamOf('tools', 'a__y')?.name).toBe('a');
    expect(view.upstreamOf('prompts', 'a__x')?.name).toBe('a');
  });
});

test('instructions are those of the view, and of a server alone as they are', () => {
  const [a, b] = [up('a', []), up('b', [])] as const;
  a.instructions = ' Be brief.\n';
  b.instructions = 'Ask.';
  const { registry } = registryOf(a, b);
  expect(registry.view('')?.instructions()).toBe('# a\n\nBe brief.\n\n# b\n\nAsk.');
  expect(registry.view('a')?.instructions()).toBe(' Be brief.\n');
});

test('a template is found by its text', () => {
  const a = up('a', []);
  a.others.resourceTemplates = [itemOf('x:{id}', undefined, 'uriTemplate')];
  const view = registryOf(a).registry.view('')!;
  expect([view.templateOwner('x:{id}')?.name, view.templateOwner('x:1')?.name]).toEqual(['a', undefined]);
});
