import { describe, expect, test } from 'bun:test';
import { Envelopes } from '../../../../src/downstream/modern/envelopes.ts';

const key = (name: string) => `io.modelcontextprotocol/${name}`;
const meta = (more: Record<string, unknown> = {}) =>
  JSON.stringify({
    [key('protocolVersion')]: '2026-07-28',
    [key('clientInfo')]: { name: 'c', version: '1' },
    [key('clientCapabilities')]: { roots: {} },
    ...more,
  });

describe('an envelope', () => {
  test('is what the reserved keys of a _meta say; the others are kept as they are', () => {
    const more = { [key('logLevel')]: 'info', progressToken: 'p', [key('related-task')]: { taskId: 't' } };
    expect(new Envelopes().read(meta(more))).toEqual({
      version: '2026-07-28',
      clientInfo: '{"name":"c","version":"1"}',
      capabilities: '{"roots":{}}',
      logLevel: 'info',
      metaText: '{"progressToken":"p","io.modelcontextprotocol/related-task":{"taskId":"t"}}',
    });
  });

  test('never has what only another hop may say', () => {
    const { metaText } = new Envelopes().read(meta({ [key('subscriptionId')]: 1, [key('serverInfo')]: {} }));
    expect(metaText).toBeNull();
  });

  test.each([
    [{ [key('clientInfo')]: null }, '{}'],
    [{ [key('clientInfo')]: undefined }, '{}'],
    [{ [key('logLevel')]: null }, '{"name":"c","version":"1"}'],
  ])('takes null for absent: %p', (more, clientInfo) => {
    expect(new Envelopes().read(meta(more))).toMatchObject({ clientInfo, logLevel: null });
  });

  test.each([
    [undefined, 'must have a _meta'],
    ['7', 'must have a _meta'],
    ['[]', 'must have a _meta'],
    [meta({ [key('protocolVersion')]: 7 }), 'protocolVersion in _meta must be a string'],
    [meta({ [key('clientCapabilities')]: null }), 'clientCapabilities in _meta must be an object'],
    [meta({ [key('clientCapabilities')]: undefined }), 'with io.modelcontextprotocol/clientCapabilities'],
    [meta({ [key('clientInfo')]: [] }), 'clientInfo in _meta must be an object'],
    [meta({ [key('logLevel')]: 7 }), 'logLevel in _meta must be the name'],
  ])('is refused: %s', (text, message) => {
    const envelopes = new Envelopes();
    for (let i = 0; i < 2; i++) expect(() => envelopes.read(text)).toThrow(message);
  });

  test('is read once for the same text', () => {
    const envelopes = new Envelopes();
    const first = envelopes.read(meta());
    expect(envelopes.read(meta())).toBe(first);
    expect(envelopes.read(meta({ progressToken: 1 })).metaText).toBe('{"progressToken":1}');
    const other = envelopes.read(meta({ [key('logLevel')]: 'debug' }));
    expect(other.logLevel).toBe('debug');
    expect(envelopes.read(meta())).toBe(first);
  });

  test('that came last is found in a body, and only where it stands as it is', () => {
    const envelopes = new Envelopes();
    expect(envelopes.endsIn(`{"_meta":${meta()}}`)).toBeUndefined();
    envelopes.read(meta());
    const body = `{"a":${JSON.stringify(meta())},"_meta":${meta()}}`;
    const start = body.indexOf('"_meta":') + 8;
    expect([...(envelopes.endsIn(body) ?? [])]).toEqual([[start, start + meta().length]]);
    expect(envelopes.endsIn(`{"a":${JSON.stringify(meta())}}`)).toBeUndefined();
  });
});
