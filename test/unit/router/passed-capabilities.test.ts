import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../src/json/object.ts';
import { passedCapabilities } from '../../../src/router/passed-capabilities.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';

const declaring = (...declared: object[]) =>
  declared.map(
    (capabilities) => ({ capabilities: new ObjectText(JSON.stringify(capabilities)) }) as Upstream,
  );

const ui = { 'io.modelcontextprotocol/ui': {} };
const tasks = { 'io.modelcontextprotocol/tasks': {} };
const odd = { 'com.example/odd': { a: 1 } };

describe('the capabilities of upstreams', () => {
  test('are none without any', () => {
    expect(passedCapabilities([], 'legacy')).toEqual({});
    expect(passedCapabilities(declaring({ tools: {}, extensions: {} }), 'modern')).toEqual({});
  });

  test('are without what an upstream declares at great length', () => {
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [n, 1]));
    const long = { 'com.example/long': { text: 'x'.repeat(64 * 1024) } };
    const upstreams = declaring({ extensions: many, tasks: many }, { extensions: long }, { extensions: ui });
    expect(passedCapabilities(upstreams, 'legacy')).toEqual({ extensions: ui });
  });

  test('have every extension of a lone one', () => {
    expect(passedCapabilities(declaring({ extensions: { ...ui, ...odd } }), 'modern')).toEqual({
      extensions: { ...ui, ...odd },
    });
  });

  test('have those extensions of several whose requests find their way', () => {
    const upstreams = declaring({ extensions: { ...odd, ...ui } }, {}, { extensions: tasks });
    expect(passedCapabilities(upstreams, 'modern')).toEqual({ extensions: { ...ui, ...tasks } });
  });

  test('have tasks as the era of the client knows them', () => {
    const upstreams = declaring(
      { extensions: tasks, tasks: { list: {} } },
      { tasks: { cancel: {}, requests: { tools: { call: {} } } } },
    );
    expect(passedCapabilities(upstreams, 'modern')).toEqual({ extensions: tasks });
    expect(passedCapabilities(upstreams, 'legacy')).toEqual({
      tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
    });
  });

  test('are those of the first where they contradict, whatever their names', () => {
    const first = '{"extensions":{"__proto__":{"a":1},"com.example/x":{"a":1}}}';
    const upstreams = [
      ...declaring(),
      { capabilities: new ObjectText(first) } as Upstream,
      ...declaring({ tools: {} }),
    ].slice(0, 1);
    const { extensions } = passedCapabilities(upstreams, 'modern') as { extensions: object };
    expect(Object.keys(extensions)).toEqual(['__proto__', 'com.example/x']);
    const skills = (directoryRead: boolean) => ({
      extensions: { 'io.modelcontextprotocol/skills': { directoryRead } },
    });
    expect(passedCapabilities(declaring(skills(true), skills(false)), 'modern')).toEqual(skills(true));
  });
});
