import { describe, expect, test } from 'bun:test';
import { decodeHeaderValue, encodeHeaderValue } from '../../../src/protocol/header-values.ts';

// MCP 2026-07-28, Streamable HTTP, Value Encoding.
describe('a text as a header value', () => {
  test.each([
    ['us-west1', 'us-west1'],
    ['a b\tc', 'a b\tc'],
    ['x', 'x'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['', '=?base64??='],
  ])('%p is %s, and is read back', (text, value) => {
    expect(encodeHeaderValue(text)).toBe(value);
    expect(decodeHeaderValue(value)).toBe(text);
  });

  test.each([
    ['Base64 without padding', '=?base64?SGVsbG8?='],
    ['Base64 with other characters', '=?base64?SGVs!G8=?='],
    ['Base64 with loose bits', '=?base64?SGVsbG9=?='],
    ['bytes that are no UTF-8', '=?base64?/w==?='],
    ['a character that is not ASCII', 'caf\u00e9'],
  ])('is refused with %s', (_, value) => {
    expect(decodeHeaderValue(value)).toBeNull();
  });

  test.each(['=?BASE64?eA==?=', '=?base64?eA==', '=?base64?=', 'a=?base64?eA==?='])(
    'that only resembles an encoded one is itself: %s',
    (value) => {
      expect(decodeHeaderValue(value)).toBe(value);
    },
  );
});
