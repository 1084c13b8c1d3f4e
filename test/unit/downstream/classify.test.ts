import { describe, expect, test } from 'bun:test';
import { checkVersion, classify, type Inbound, messagesOf } from '../../../src/downstream/classify.ts';

const kinds = (inbound: Inbound) => messagesOf(inbound).map(({ kind }) => kind);

describe('a POST body', () => {
  test.each([
    ['request', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'],
    ['initialize', '{"jsonrpc":"2.0","id":1,"method":"initialize"}'],
    ['notification', '{"jsonrpc":"2.0","method":"initialize"}'],
    ['notification', '{"jsonrpc":"2.0","method":"notifications/initialized"}'],
    ['response', '{"jsonrpc":"2.0","id":1,"result":{}}'],
    ['invalid', '{"id":1,"method":"tools/list"}'],
    ['invalid', '7'],
    ['batch', '[{"jsonrpc":"2.0","id":1,"method":"initialize"}]'],
  ])('is of the kind %s: %s', (kind, text) => {
    expect(classify(text, null).kind as string).toBe(kind);
  });

  test('that is a batch keeps its messages in order, the invalid ones too', () => {
    const texts = ['{"jsonrpc":"2.0","method":"a"}', '7', '{"jsonrpc":"2.0","id":1,"method":"b"}'];
    expect(kinds(classify(`[${texts.join(',')}]`, null))).toEqual(['notification', 'invalid', 'request']);
  });

  test.each([
    ['{', 'parse_error'],
    ['', 'parse_error'],
    ['[]', 'invalid_request'],
    [JSON.stringify(new Array(101).fill(7)), 'invalid_request'],
  ])('that cannot be served is refused: %.20s', (text, kind) => {
    expect(() => classify(text, null)).toThrow(expect.objectContaining({ kind }));
  });

  test('loses optional members that are null, and no others', () => {
    const retry = '"inputResponses":null,"requestState":null';
    const params = `{"name":"a","arguments":null,"_meta":null,${retry},"other":null}`;
    const inbound = classify(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`, null);
    if (inbound.kind !== 'request') throw new Error('not a request');
    expect(JSON.parse(inbound.params?.toString() ?? '')).toEqual({ name: 'a', other: null });
  });
});

describe('the era of a POST body', () => {
  const claim = '"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}';
  const request = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${params}}}`;
  const notification = (params: string) => `{"jsonrpc":"2.0","method":"n","params":{${params}}}`;
  const initialize = (params: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{${params}}}`;

  test.each([
    ['modern', request(claim), null],
    ['modern', request(claim), '2025-11-25'],
    ['modern', request('"_meta":{"io.modelcontextprotocol\\/protocolVersion":7}'), null],
    ['modern', initialize(claim), null],
    ['modern', notification(claim), null],
    ['modern', request(''), '2026-07-28'],
    ['modern', request(''), '2027-01-01'],
    ['modern', initialize(''), '2026-07-28'],
    ['modern', notification(''), '2026-07-28'],
    ['request', request(''), null],
    ['request', request(''), '2025-11-25'],
    ['request', request('"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"0123456789"}}'), null],
    ['request', request('"arguments":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}'), null],
    ['request', request('"_meta":["io.modelcontextprotocol/protocolVersion","2026-07-28"]'), null],
    ['initialize', initialize(''), '2025-11-25'],
    ['response', '{"jsonrpc":"2.0","id":1,"result":{}}', '2025-11-25'],
    ['batch', `[${request('')}]`, null],
  ])('is %s: %s under version %p', (kind, text, version) => {
    expect(classify(text, version).kind as string).toBe(kind);
  });

  test.each([
    [`[${request('')},${request(claim)}]`, null],
    [`[${notification(claim)}]`, null],
    [`[${request('')}]`, '2026-07-28'],
    ['{"jsonrpc":"2.0","id":1,"result":{}}', '2026-07-28'],
  ])('that is modern is refused if it is a batch or a response: %s under version %p', (text, version) => {
    expect(() => classify(text, version)).toThrow(expect.objectContaining({ kind: 'invalid_request' }));
  });
});

describe('the protocol version of a request', () => {
  test.each([null, '', '2024-11-05', '2025-11-25'])('may be %p', (version) => {
    expect(() => checkVersion(version)).not.toThrow();
  });

  test('is refused if it is unknown, with those that are supported', () => {
    const data = { requested: '2026-07-28', supported: expect.arrayContaining(['2025-11-25']) };
    expect(() => checkVersion('2026-07-28')).toThrow(
      expect.objectContaining({ kind: 'unsupported_protocol_version', data }),
    );
  });
});
