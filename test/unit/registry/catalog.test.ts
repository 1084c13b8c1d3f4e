import { describe, expect, test } from 'bun:test';
import { Catalog, Offer } from '../../../src/registry/catalog.ts';
import { Exposure } from '../../../src/registry/exposure.ts';
import { itemOf, ListedUpstream } from '../../support/listed-upstream.ts';

const catalogOf = (...upstreams: ListedUpstream[]) =>
  new Catalog(
    'tools',
    upstreams.map(({ upstream }) => Offer.of('tools', upstream, new Exposure(upstream.config))),
  );

describe('the list', () => {
  test('is empty without upstreams and without items', () => {
    expect(catalogOf().list('legacy').toString()).toBe('{"tools":[]}');
    expect(catalogOf(new ListedUpstream('a')).list('legacy').toString()).toBe('{"tools":[]}');
  });

  test('keeps the order of the upstreams and of the items of each', () => {
    const catalog = catalogOf(
      new ListedUpstream('b', [itemOf('z'), itemOf('y')]),
      new ListedUpstream('c'),
      new ListedUpstream('a', [itemOf('two'), itemOf('one')]),
    );
    const names = ['b__z', 'b__y', 'a__two', 'a__one'];
    expect(JSON.parse(catalog.list('legacy').toString())).toEqual({ tools: names.map((name) => ({ name })) });
  });

  test('changes nothing of an item but its name', () => {
    const text = String.raw`{ "x-big":12345678901234567890, "name" : "t", "title":"\u00e9", "_meta":{"n":1.0} }`;
    const expected = String.raw`{ "x-big":12345678901234567890, "name" : "a__t", "title":"\u00e9", "_meta":{"n":1.0} }`;
    const catalog = catalogOf(new ListedUpstream('a', [itemOf('t', text)]));
    expect(catalog.list('legacy').toString()).toBe(`{"tools":[${expected}]}`);
  });

  test('is serialized once', () => {
    const catalog = catalogOf(new ListedUpstream('a', [itemOf('t')]));
    expect(catalog.list('legacy')).toBe(catalog.list('legacy'));
  });
});

describe('an entry', () => {
  test('is found by its qualified name alone', () => {
    const up = new ListedUpstream('a', [itemOf('t__u')]);
    const catalog = catalogOf(up, new ListedUpstream('b', [itemOf('t')]));
    const entry = catalog.find('a__t__u');
    expect(entry?.upstream).toBe(up.upstream);
    expect(entry?.item).toEqual(itemOf('t__u'));
    expect(entry?.target).toEqual({ name: 'name', value: '"t__u"' });
    for (const name of ['t__u', 'a__t', 'b__t__u', 'a__toString', '']) {
      expect(catalog.find(name), name).toBeUndefined();
    }
  });

  test('has a series for its calls once that is asked for', () => {
    const up = new ListedUpstream('a', [itemOf('called'), itemOf('idle')]);
    const catalog = catalogOf(up);
    expect(catalog.find('a__called')?.metrics).toBe(up.metrics.tool('called'));
    expect([...up.metrics.counts.tools.keys()]).toEqual(['called']);
  });
});

test('a catalog stays as it is when an upstream changes its items', () => {
  const up = new ListedUpstream('a', [itemOf('old')]);
  const catalog = catalogOf(up);
  up.listed = [itemOf('new')];
  expect(catalog.list('legacy').toString()).toBe('{"tools":[{"name":"a__old"}]}');
  expect(catalog.find('a__old')).toBeDefined();
  expect(catalog.find('a__new')).toBeUndefined();
});
