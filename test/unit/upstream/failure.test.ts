import { describe, expect, test } from 'bun:test';
import { TooManyError } from '../../../src/json/scan.ts';
import {
  sessionLossIn,
  sessionLossOf,
  statusFailure,
  toFailure,
  UpstreamFailure,
} from '../../../src/upstream/failure.ts';

describe('an HTTP answer that says that the session is lost', () => {
  test.each([
    [404, '', 'unknown_session'],
    [404, 'Not Found', 'unknown_session'],
    [404, '{"error":{"code":-32001,"message":"Session not found"}}', 'unknown_session'],
    [404, 'Session has expired', 'expired'],
    [404, 'the session was terminated', 'terminated'],
    [404, 'this page is gone', 'unknown_session'],
    [400, 'Bad Request: No valid session ID provided', 'unknown_session'],
    [400, 'Bad Request: Server not initialized', 'unknown_session'],
    [400, 'Invalid session id', 'unknown_session'],
    [400, 'SESSION EXPIRED', 'expired'],
    [401, 'unknown session', 'unknown_session'],
    [401, 'invalid token', 'unknown_session'],
    [500, 'session not found', 'unknown_session'],
    [500, 'Invalid or expired session', 'expired'],
    [422, 'server is not initialized', 'unknown_session'],
    [403, 'session closed', 'terminated'],
    [410, 'this session no longer exists', 'terminated'],
    [410, 'session expired', 'expired'],
  ] as const)('%d "%s": %s', (status, body, loss) => {
    expect(sessionLossOf(status, body)).toBe(loss);
  });

  test.each([
    [400, 'Bad Request'],
    [400, 'unknown tool'],
    [400, 'the session header must be sent once'],
    [403, 'forbidden'],
    [410, 'gone'],
    [405, 'no session'],
    [500, 'internal error'],
    [502, 'the session was closed'],
    [503, 'no such session'],
    [504, 'session timed out'],
  ])('is not: %d "%s"', (status, body) => {
    expect(sessionLossOf(status, body)).toBeNull();
  });

  test.each([
    [404, 'no'],
    [401, 'no'],
    [400, '{"error":{"code":-32001}}'],
  ])('is not, where the request named none: %d "%s"', (status, body) => {
    expect(sessionLossOf(status, body, false)).toBeNull();
  });
});

describe('a JSON-RPC error', () => {
  test.each([
    [-32001, 'Session not found', 'unknown_session'],
    [-32001, '', 'unknown_session'],
    [-32001, 'Session expired', 'expired'],
    [-32001, 'Session terminated', 'terminated'],
    [-32001, 'Request timed out', null],
    [-32001, 'Request timeout', null],
    [-32001, 'no session at this time', 'unknown_session'],
    [-32000, 'Session not found', 'unknown_session'],
    [-32602, 'Invalid or expired session', 'expired'],
    [-32600, 'Received request before initialization was complete', 'unknown_session'],
    [-32602, 'session must be a string', null],
    [-32000, 'item not found', null],
    [-32000, `${'x'.repeat(1_000)} session not found`, null],
    [-32601, 'Method not found', null],
  ] as const)('%d "%s": %p', (code, message, loss) => {
    expect(sessionLossIn({ code, message })).toBe(loss);
  });
});

describe('what a request threw becomes', () => {
  const withCode = (code: string) =>
    Object.assign(new Error('http://user:password@host/?key=secret'), { code });
  test.each([
    ['ECONNRESET', 'broken', 'connection closed unexpectedly'],
    ['EPIPE', 'broken', 'connection closed unexpectedly'],
    ['SomethingNew', 'broken', 'connection failed (SomethingNew)'],
    ['http://host/?key=secret', 'broken', 'connection failed'],
  ] as const)('%s: %s, "%s"', (code, kind, message) => {
    const failure = toFailure(withCode(code));
    expect([failure.kind, failure.message]).toEqual([kind, message]);
  });

  test('a failure without a word of its own where there is no code', () => {
    expect(toFailure(new TypeError('secret')).message).toBe('connection failed');
    expect(toFailure(null).message).toBe('connection failed');
    const tooMany = toFailure(new TooManyError(3, 'members in an object'));
    expect([tooMany.kind, tooMany.message]).toEqual([
      'protocol',
      'answered with more than 3 members in an object',
    ]);
    expect(toFailure('secret').kind).toBe('broken');
  });

  test('itself, where it is a failure already', () => {
    const failure = new UpstreamFailure('timeout', 'did not answer');
    expect(toFailure(failure)).toBe(failure);
  });
});

test.each([
  [400, 'unsupported', 'upstream_protocol_error'],
  [401, 'auth', 'upstream_auth_failed'],
  [403, 'auth', 'upstream_auth_failed'],
  [404, 'unsupported', 'upstream_protocol_error'],
  [405, 'unsupported', 'upstream_protocol_error'],
  [429, 'limited', 'upstream_protocol_error'],
  [500, 'protocol', 'upstream_protocol_error'],
  [502, 'broken', 'upstream_disconnected'],
  [503, 'broken', 'upstream_disconnected'],
  [504, 'broken', 'upstream_disconnected'],
] as const)('HTTP %d by itself means %s, and %s to the client', (status, kind, reason) => {
  const failure = statusFailure(status);
  expect([failure.kind, failure.reason, failure.message]).toEqual([kind, reason, `answered HTTP ${status}`]);
});
