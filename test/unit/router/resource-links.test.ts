import { describe, expect, test } from 'bun:test';
import { linkedUris } from '../../../src/router/resource-links.ts';
import { OwnedBytes } from '../../../src/runtime/owned-bytes.ts';

const link = (uri: unknown) => ({ type: 'resource_link', uri, name: 'n' });

describe('the links of a result:', () => {
  test.each([
    [
      'of a tool',
      { content: [{ type: 'text', text: 'x' }, link('a:1'), link('a:2'), link('a:1')] },
      ['a:1', 'a:2'],
    ],
    ['of a prompt', { messages: [{ role: 'user', content: link('a:1') }] }, ['a:1']],
    ['of a task that has ended', { status: 'completed', result: { content: [link('a:1')] } }, ['a:1']],
    ['of none', { content: [{ type: 'text', text: 'resource_link' }] }, []],
    ['that are no blocks', { content: { a: link('a:1') }, other: [link('a:2')] }, []],
    ['without a URI', { content: [link(1), link(undefined), null, 'resource_link'] }, []],
  ])('%s', (_what, result, uris) => {
    const text = JSON.stringify(result);
    expect(linkedUris(text)).toEqual(uris);
    expect(linkedUris(new OwnedBytes(Buffer.from(text)))).toEqual(uris);
  });

  test('at most a thousand of a result count', () => {
    const content = Array.from({ length: 1_001 }, (_, index) => link(`a:${index}`));
    expect(linkedUris(JSON.stringify({ content })).length).toBe(1_000);
  });

  test('a result of more than 1 Mi characters is not searched', () => {
    const content = [link('a:1'), { type: 'text', text: 'x'.repeat(1024 * 1024) }];
    expect(linkedUris(JSON.stringify({ content }))).toEqual([]);
  });
});
