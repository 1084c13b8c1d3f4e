import { describe, expect, test } from 'bun:test';
import { explanationIn } from '../../../src/upstream/explanation.ts';

describe('an explanation is found', () => {
  test.each([
    ['in text', 'Invalid host: use localhost:3000\n', 'Invalid host: use localhost:3000'],
    ['in text after a byte order mark', '\ufeffno', 'no'],
    [
      'in the message of a JSON-RPC error',
      '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad host"},"id":null}',
      'Bad host',
    ],
    ['in an error that is text', '{"error":"use the other port"}', 'use the other port'],
    ['in an error with a message', '{"error":{"message":"quota used up","type":"limit"}}', 'quota used up'],
    [
      'in a message',
      '{"statusCode":403,"error":"Forbidden","message":"IP 10.0.0.1 is not allowed"}',
      'IP 10.0.0.1 is not allowed',
    ],
    ['in a detail', '{"detail":"Not authenticated"}', 'Not authenticated'],
    ['in a list of details', '{"detail":[{"loc":["body"],"msg":"field required"}]}', 'field required'],
    [
      'in a problem document',
      '{"type":"about:blank","title":"Forbidden","status":403,"detail":"Key is revoked"}',
      'Key is revoked',
    ],
    ['in the title of a problem', '{"title":"Key is revoked","status":403}', 'Key is revoked'],
    [
      'in the description of an OAuth error',
      '{"error":"invalid_token","error_description":"The token expired"}',
      'The token expired',
    ],
    ['in an OAuth error', '{"error":"invalid_token"}', 'invalid_token'],
    ['in a list of errors', '{"errors":[{"message":"no such tenant"}]}', 'no such tenant'],
    ['in capitals', '{"Message":"Missing Authentication Token"}', 'Missing Authentication Token'],
    ['in a JSON string', '"Forbidden by policy"', 'Forbidden by policy'],
    ['in an event', 'event: message\ndata: {"error":{"code":-32000,"message":"Bad host"}}\n\n', 'Bad host'],
    [
      'in the title of a page',
      '<!doctype html>\n<html><head><title>Plain HTTP request &amp; more</title></head>…',
      'Plain HTTP request & more',
    ],
    ['in text that is followed by a stack', 'Error: boom\n    at f (/srv/x.js:1:2)\n    at g', 'Error: boom'],
    ['in quoted text', '"Blocked" by the firewall', '"Blocked" by the firewall'],
  ])('%s', (_name, body, words) => {
    expect(explanationIn(403, body, null)).toBe(words);
  });

  test('in the challenge, where the body says nothing', () => {
    const challenge =
      'Bearer realm="x", error="invalid_token", error_description="The \\"sub\\" claim is missing"';
    expect(explanationIn(401, '', challenge)).toBe('The "sub" claim is missing');
    expect(explanationIn(401, '', 'Bearer error=insufficient_scope, scope="a b"')).toBe('insufficient_scope');
    expect(explanationIn(401, 'No key', challenge)).toBe('No key');
  });
});

describe('nothing is taken for an explanation:', () => {
  test.each([
    ['nothing', ''],
    ['blanks', ' \r\n '],
    ['a page without a title', '<html><body>secret</body></html>'],
    ['XML', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['JSON without words', '{"code":7,"message":null,"error":{}}'],
    ['JSON that is cut off', '{"message":"abc'],
    ['a list of numbers', '[1,2,3]'],
    ['bytes', 'PK\u0003\u0004\u0000'],
    ['what is no UTF-8', 'caf\ufffd'],
    ['much text', 'x'.repeat(5_000)],
    ['deep JSON', `${'['.repeat(50)}"x"${']'.repeat(50)}`],
    ['a stream without words', ': ping\n\n'],
  ])('%s', (_name, body) => {
    expect(explanationIn(403, body, 'Basic realm="x"')).toBe('');
  });
});

test.each([
  ['403 Forbidden', 'Forbidden'],
  ['<title>403 Forbidden</title>', 'Forbidden'],
  ['403', ''],
  ['HTTP 403: host is not allowed', 'host is not allowed'],
  ['4031 is no port', '4031 is no port'],
])('the status is not repeated: %s', (body, words) => {
  expect(explanationIn(403, body, null)).toBe(words);
});

test('the longest texts that are read take no time worth mentioning', () => {
  const size = 16 * 1024;
  for (const piece of ['\n', '<title ', '[', '{"error":', 'data:', ': ', '"', 'error="', '\\', ' ']) {
    const text = piece.repeat(size / piece.length);
    explanationIn(403, text, text);
    explanationIn(403, `x${text}`, `x${text}`);
  }
});
