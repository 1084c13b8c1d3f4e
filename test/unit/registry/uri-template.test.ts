import { describe, expect, test } from 'bun:test';
import { UriTemplate } from '../../../src/registry/uri-template.ts';

describe('a URI matches a template', () => {
  test.each([
    ['test://static', 'test://static', true],
    ['test://static', 'test://static/x', false],
    ['test://item/{id}', 'test://item/7', true],
    ['test://item/{id}', 'test://item/', false],
    ['test://item/{id}', 'test://item/7/8', false],
    ['test://item/{id}/data', 'test://item/7/data', true],
    ['test://item/{id}/data', 'test://item/7/8/data', false],
    ['test://{a}/{b}', 'test://x/y', true],
    ['test://{a}/{b}', 'test://x', false],
    ['test://{a}-{b}', 'test://1-2-3', true],
    ['test://{a}{b}', 'test://x', false],
    ['test://{a}{b}', 'test://xy', true],
    ['test://{x,y}', 'test://1,2', true],
    ['file://{+path}', 'file:///a/b?c#d', true],
    ['file:///{+path}/{name}', 'file:///a/b/c', true],
    ['file:///{+path}/{name}', 'file:///a', false],
    ['file:///{path*}', 'file:///a/b', true],
    ['file://{/path*}', 'file:///a/b', true],
    ['file://{/path*}', 'file://', true],
    ['file://{/a,b}', 'file:///1/2', true],
    ['file://{/a,b}', 'file:///1', true],
    ['file://{/a,b}', 'file:///1/2/3', false],
    ['http://h/s{?q,n}', 'http://h/s?q=a/b&n=1', true],
    ['http://h/s{?q,n}', 'http://h/s', true],
    ['http://h/s{?q,n}', 'http://h/s/x', false],
    ['http://h/s?a=1{&n}', 'http://h/s?a=1&n=2', true],
    ['http://h/s{#part}', 'http://h/s#a/b', true],
    ['http://h/s{;x,y}', 'http://h/s;x=1;y=2', true],
    ['http://h/s{.format}', 'http://h/s.json', true],
    ['http://h/s{.format}', 'http://h/sjson', false],
    ['test://{id:3}', 'test://abc', true],
    ['{+uri}', 'any:thing', true],
    ['test://%7B{x}', 'test://%7B1', true],
  ])('%s %s: %p', (template, uri, matches) => {
    expect(new UriTemplate(template).matches(uri)).toBe(matches);
  });
});

test.each(['test://{', 'test://{}', 'test://}', 'test://{a{b}}', 'test://{a', `test://${'{a}'.repeat(65)}`])(
  'the template %p, which is malformed or too long, matches nothing',
  (template) => {
    const uri = new UriTemplate(template);
    expect(uri.matches(template)).toBe(false);
    expect(uri.stepsFor(template)).toBe(0);
  },
);

test('a URI of more than 2,048 characters matches nothing', () => {
  const template = new UriTemplate('x:{+a}');
  expect(template.matches(`x:${'a'.repeat(2_046)}`)).toBe(true);
  expect(template.matches(`x:${'a'.repeat(2_047)}`)).toBe(false);
});

test('the steps of a match are bounded by the parts of the template times the length of the URI', () => {
  const template = new UriTemplate('{a}'.repeat(64));
  const uri = `${'a'.repeat(2_000)}/`;
  expect(template.matches(uri)).toBe(false);
  expect(template.stepsFor(uri)).toBe(64 * 2_002);
  expect(new UriTemplate('x:{a}').stepsFor(uri)).toBe(0);
  expect(new UriTemplate('{a}z').stepsFor(uri)).toBe(0);
});
