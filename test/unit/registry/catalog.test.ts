import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../src/json/object.ts';
import { Registry } from '../../../src/registry/catalog.ts';
import { qualify, splitQualified } from '../../../src/registry/names.ts';
import type { Item } from '../../../src/upstream/items/item-list.ts';

function tool(name: string, text = JSON.stringify({ name })): Item {
  const [before, after] = new ObjectText(text).around('name');
  return { name, nameText: JSON.stringify(name), before, after, isRepeatable: false };
}

function registryOf(...servers: string[]) {
  const seen = { changes: 0 };
  const registry = new Registry(() => void seen.changes++);
  registry.setServers(servers);
  const names = () =>
    (JSON.parse(registry.toolsList().toString()) as { tools: { name: string }[] }).tools.map(
      ({ name }) => name,
    );
  return { registry, names, seen };
}

describe('the list of tools', () => {
  test('has the servers in their order and the tools of each in its own', () => {
    const { registry, names } = registryOf('b', 'a');
    registry.setTools('a', [tool('two'), tool('one')]);
    registry.setTools('b', [tool('z'), tool('y')]);
    expect(names()).toEqual(['b__z', 'b__y', 'a__two', 'a__one']);
  });

  test('is empty at first, and where servers have no tools', () => {
    const { registry } = registryOf('a', 'b');
    expect(registry.toolsList().toString()).toBe('{"tools":[]}');
    registry.setTools('a', []);
    registry.setTools('b', []);
    expect(registry.toolsList().toString()).toBe('{"tools":[]}');
  });

  test('changes nothing of a tool but its name', () => {
    const { registry } = registryOf('a');
    const text = String.raw`{ "x-big":12345678901234567890, "name" : "t", "title":"\u00e9", "_meta":{"n":1.0} }`;
    registry.setTools('a', [tool('t', text)]);
    const expected = String.raw`{ "x-big":12345678901234567890, "name" : "a__t", "title":"\u00e9", "_meta":{"n":1.0} }`;
    expect(registry.toolsList().toString()).toBe(`{"tools":[${expected}]}`);
  });

  test('is made once for as long as nothing changes', () => {
    const { registry } = registryOf('a');
    registry.setTools('a', [tool('t')]);
    const first = registry.toolsList();
    registry.setTools('a', [tool('t')]);
    expect(registry.toolsList()).toBe(first);
  });

  test('loses the tools of a server that is configured no more, for good', () => {
    const { registry, names } = registryOf('a', 'b');
    registry.setTools('a', [tool('t')]);
    registry.setServers(['b']);
    expect(names()).toEqual([]);
    registry.setServers(['a', 'b']);
    expect(names()).toEqual([]);
    expect(registry.find('a__t')).toBeUndefined();
  });
});

describe('a change is told', () => {
  test('once for each that clients can see', () => {
    const { registry, seen } = registryOf('a', 'b');
    registry.setTools('a', [tool('t')]);
    expect(seen.changes).toBe(1);
    registry.setTools('a', [tool('t')]);
    registry.setTools('b', []);
    registry.setServers(['a', 'b']);
    registry.setServers(['b', 'a']);
    registry.setServers(['a']);
    expect(seen.changes).toBe(1);
    registry.setTools('a', [tool('t', '{"name":"t","title":"new"}')]);
    expect(seen.changes).toBe(2);
    registry.setServers([]);
    expect(seen.changes).toBe(3);
  });

  test('when servers that have tools change places', () => {
    const { registry, seen, names } = registryOf('a', 'b');
    registry.setTools('a', [tool('t')]);
    registry.setTools('b', [tool('t')]);
    registry.setServers(['b', 'a']);
    expect(seen.changes).toBe(3);
    expect(names()).toEqual(['b__t', 'a__t']);
  });
});

test('a tool is found by its qualified name', () => {
  const { registry } = registryOf('a');
  registry.setTools('a', [tool('t__u')]);
  expect(registry.find('a__t__u')).toEqual({ server: 'a', tool: tool('t__u'), route: null });
  expect(registry.find('a__toString')).toBeUndefined();
  expect(registry.find('b__t__u')).toBeUndefined();
});

test('a tool that its server lists no more is not found', () => {
  const { registry } = registryOf('a', 'b');
  registry.setTools('a', [tool('old'), tool('kept')]);
  registry.setTools('b', [tool('old')]);
  registry.setTools('a', [tool('kept'), tool('new')]);
  const names = ['a__old', 'a__kept', 'a__new', 'b__old'];
  expect(names.filter((name) => registry.find(name))).toEqual(['a__kept', 'a__new', 'b__old']);
  registry.setTools('a', []);
  expect(names.filter((name) => registry.find(name))).toEqual(['b__old']);
});

test.each([
  ['files__read', { server: 'files', name: 'read' }],
  ['my.files-2__read__all', { server: 'my.files-2', name: 'read__all' }],
  ['files___read', { server: 'files', name: '_read' }],
  ['files__', { server: 'files', name: '' }],
  ['files_read', null],
  ['__read', null],
  ['', null],
])('the qualified name %p is split into %j', (qualified, parts) => {
  expect(splitQualified(qualified)).toEqual(parts);
  if (parts) expect(qualify(parts.server, parts.name)).toBe(qualified);
});
