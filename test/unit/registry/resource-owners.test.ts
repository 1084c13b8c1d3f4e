import { describe, expect, test } from 'bun:test';
import type { Logger } from '../../../src/observability/log.ts';
import { Registry } from '../../../src/registry/registry.ts';
import { itemOf, ListedUpstream } from '../../support/listed-upstream.ts';

const logger = { warn() {} } as unknown as Logger;

interface Listed {
  /** Tools to the `ui://` resources that they name. */
  readonly tools?: Readonly<Record<string, string>>;
  readonly resources?: readonly string[];
  readonly templates?: readonly string[];
  readonly settings?: object;
}

function upstreamOf(name: string, { tools = {}, resources = [], templates = [], settings }: Listed) {
  const toolItems = Object.entries(tools).map(([tool, uiUri]) => itemOf(tool, undefined, 'name', { uiUri }));
  const up = new ListedUpstream(name, toolItems, settings);
  up.others.resources = resources.map((uri) => itemOf(uri, undefined, 'uri'));
  up.others.resourceTemplates = templates.map((text) => itemOf(text, undefined, 'uriTemplate'));
  return up;
}

/** The view of all upstreams, by default, whose owners are told by their names. */
function ownersOf(upstreams: readonly ListedUpstream[], view = '') {
  const registry = new Registry(logger, () => {});
  registry.configure(
    upstreams.map(({ upstream }) => upstream),
    [],
  );
  registry.close();
  const shown = registry.view(view)!;
  return { registry, shown, ownerOf: (uri: string) => shown.ownerOf(uri)?.name };
}

describe('a resource belongs to', () => {
  test('the first upstream in the file that lists it', () => {
    const { ownerOf } = ownersOf([
      upstreamOf('a', { resources: ['x:1'] }),
      upstreamOf('b', { resources: ['x:1', 'x:2'] }),
    ]);
    expect([ownerOf('x:1'), ownerOf('x:2'), ownerOf('x:3'), ownerOf('')]).toEqual([
      'a',
      'b',
      undefined,
      undefined,
    ]);
  });

  test('the upstream of the first tool that names it, if it is a user interface', () => {
    const { ownerOf } = ownersOf([
      upstreamOf('a', { tools: { t: 'ui://app' } }),
      upstreamOf('b', { tools: { t: 'ui://app', u: 'ui://other' } }),
    ]);
    expect([ownerOf('ui://app'), ownerOf('ui://other'), ownerOf('ui://none')]).toEqual(['a', 'b', undefined]);
  });

  test('the upstream that has handed it out', () => {
    const [a, b] = [upstreamOf('a', {}), upstreamOf('b', {})] as const;
    const { shown, ownerOf } = ownersOf([a, b]);
    shown.remember('x:1', b.upstream);
    expect([ownerOf('x:1'), ownerOf('x:2')]).toEqual(['b', undefined]);
  });

  test('the first upstream with a template for it', () => {
    const { ownerOf } = ownersOf([
      upstreamOf('a', { templates: ['x://{id}'] }),
      upstreamOf('b', { templates: ['x://{id}', 'x://{+path}'] }),
    ]);
    expect([ownerOf('x://1'), ownerOf('x://1/2'), ownerOf('y://1')]).toEqual(['a', 'b', undefined]);
  });

  test('whoever is first in this order: list, tool, link, template', () => {
    const byTemplate = upstreamOf('template', { templates: ['{+any}'] });
    const byLink = upstreamOf('link', {});
    const byTool = upstreamOf('tool', { tools: { t: 'ui://1' } });
    const byList = upstreamOf('list', { resources: ['ui://1'] });
    const ownerAmong = (...upstreams: ListedUpstream[]) => {
      const { shown, ownerOf } = ownersOf(upstreams);
      shown.remember('ui://1', byLink.upstream);
      return ownerOf('ui://1');
    };
    expect(ownerAmong(byTemplate, byLink, byTool, byList)).toBe('list');
    expect(ownerAmong(byTemplate, byLink, byTool)).toBe('tool');
    expect(ownerAmong(byTemplate, byLink)).toBe('link');
    expect(ownerAmong(byTemplate)).toBe('template');
  });
});

describe('a filter hides a resource', () => {
  const settings = { tools: { deny: ['hidden'] }, resources: { deny: ['*secret*', 'y:{id}'] } };
  const up = upstreamOf('a', {
    tools: { t: 'ui://secret', hidden: 'ui://of-hidden', shown: 'ui://shown' },
    resources: ['x:1', 'x:secret'],
    templates: ['x:{id}', 'y:{id}'],
    settings,
  });

  test('however it is found', () => {
    const { shown, ownerOf } = ownersOf([up]);
    shown.remember('z:secret', up.upstream);
    shown.remember('z:1', up.upstream);
    const uris = ['x:1', 'x:2', 'ui://shown', 'z:1'];
    const hidden = ['x:secret', 'x:2secret', 'ui://secret', 'ui://of-hidden', 'y:1', 'z:secret'];
    expect([...uris, ...hidden].filter((uri) => ownerOf(uri) === 'a')).toEqual(uris);
  });

  test('from the view of its server, too, where all others belong to that', () => {
    const { ownerOf } = ownersOf([up, upstreamOf('b', { resources: ['b:1'] })], 'a');
    expect([ownerOf('anything'), ownerOf('x:secret'), ownerOf('b:1')]).toEqual(['a', undefined, 'a']);
  });

  test('so that the next upstream owns it', () => {
    const { ownerOf } = ownersOf([up, upstreamOf('b', { resources: ['x:secret'] })]);
    expect(ownerOf('x:secret')).toBe('b');
  });
});

test('what allows a template allows its expansions', () => {
  const settings = { resources: { allow: ['x:{id}'] } };
  const { ownerOf } = ownersOf([upstreamOf('a', { resources: ['y:1'], templates: ['x:{id}'], settings })]);
  expect([ownerOf('x:1'), ownerOf('y:1')]).toEqual(['a', undefined]);
});

test('owners change with the items', () => {
  const up = upstreamOf('a', { templates: ['x:{id}'] });
  const { registry, ownerOf } = ownersOf([up]);
  expect([ownerOf('x:1'), ownerOf('y:1')]).toEqual(['a', undefined]);
  up.others.resourceTemplates = [itemOf('y:{id}', undefined, 'uriTemplate')];
  registry.update(up.upstream);
  registry.close();
  expect([ownerOf('x:1'), ownerOf('y:1')]).toEqual([undefined, 'a']);
});

test('the search among templates ends after a bounded number of steps', () => {
  const slow = `${'{+a}'.repeat(60)}z{+b}`;
  const templates = Array.from({ length: 500 }, (_, i) => `${slow}${'z'.repeat(i + 1)}{+c}`);
  const { ownerOf } = ownersOf([
    upstreamOf('slow', { templates }),
    upstreamOf('b', { templates: ['a{+x}'] }),
  ]);
  expect(ownerOf('a'.repeat(2_000))).toBeUndefined();
  expect(ownerOf('a'.repeat(20))).toBe('b');
});
