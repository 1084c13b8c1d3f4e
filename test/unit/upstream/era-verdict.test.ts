import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../src/json/object.ts';
import { verdictOnAnswer, verdictOnHttpFailure } from '../../../src/upstream/era-verdict.ts';
import { type FailureKind, statusFailure, UpstreamFailure } from '../../../src/upstream/failure.ts';

const plainly = (text: string) => text;

describe('the result of server/discover', () => {
  const verdictOn = (result: object) =>
    verdictOnAnswer(undefined, new ObjectText(JSON.stringify(result)), plainly);

  test('names a modern server, and one that speaks both eras', () => {
    expect(verdictOn({ supportedVersions: ['2027-01-01', '2026-07-28'] })).toEqual({
      era: 'modern',
      version: '2026-07-28',
      isAgreed: true,
    });
    expect(verdictOn({ supportedVersions: ['2026-07-28', '2025-11-25'] })).toEqual({
      era: 'modern',
      version: '2026-07-28',
      isAgreed: true,
    });
  });

  test.each([
    [{ supportedVersions: ['2025-11-25', '2025-06-18'] }, 'speaks only older revisions'],
    [{}, 'answered server/discover without a list of versions'],
    [{ supportedVersions: '2026-07-28' }, 'answered server/discover without a list of versions'],
    [{ supportedVersions: [1] }, 'answered server/discover without a list of versions'],
  ])('%j names a legacy server', (result, found) => {
    expect(verdictOn(result)).toEqual({ era: 'legacy', found });
  });

  test.each([
    [['2027-01-01'], 'speaks only the protocol versions 2027-01-01; known are 2026-07-28 and older ones'],
    [[], 'speaks no protocol version; known are 2026-07-28 and older ones'],
  ])('with the versions %j decides nothing', (supportedVersions, message) => {
    const verdict = verdictOn({ supportedVersions });
    expect(verdict).toMatchObject({ era: 'unknown' });
    expect(verdict.era === 'unknown' && verdict.failure.message).toBe(message);
  });
});

describe('an error that answers server/discover', () => {
  const verdictOn = (code: number, data?: unknown) => {
    const error = { code, message: 'no' };
    return verdictOnAnswer(error, new ObjectText(JSON.stringify({ ...error, data })), plainly);
  };

  test.each([-32601, -32602, -32600, -32603, -32000, -32001, -32700, 0, 1])(
    '%d names a legacy server',
    (code) => {
      expect(verdictOn(code)).toEqual({
        era: 'legacy',
        found: `refused server/discover: no (error ${code})`,
      });
    },
  );

  test.each([-32020, -32021])('%d, which only the modern era has, is an error', (code) => {
    const verdict = verdictOn(code);
    expect(verdict.era === 'unknown' && verdict.failure.kind).toBe('returned_error');
  });

  test('-32022 names what is spoken', () => {
    expect(verdictOn(-32022, { supported: ['2026-07-28'] })).toEqual({
      era: 'modern',
      version: '2026-07-28',
      isAgreed: false,
    });
    expect(verdictOn(-32022, { supported: ['2025-11-25'] })).toEqual({
      era: 'legacy',
      found: 'refused server/discover: no (error -32022)',
    });
    expect(verdictOn(-32022, { supported: ['2027-01-01', '2025-11-25'] })).toMatchObject({ era: 'unknown' });
    expect(verdictOn(-32022, { supported: [] })).toMatchObject({ era: 'unknown' });
    expect(verdictOn(-32022)).toMatchObject({ era: 'unknown' });
  });
});

describe('a failed POST of server/discover', () => {
  test.each([400, 402, 404, 405, 406, 409, 410, 411, 413, 415, 418, 421, 422, 426])(
    'with HTTP %d names a legacy server',
    (status) => {
      const found = `answered HTTP ${status}`;
      expect(verdictOnHttpFailure(statusFailure(status))).toEqual({ era: 'legacy', found });
    },
  );

  test.each([401, 403, 407, 408, 425, 429, 500, 501, 502, 503, 504])(
    'with HTTP %d decides nothing',
    (status) => {
      const failure = statusFailure(status);
      expect(verdictOnHttpFailure(failure)).toEqual({ era: 'unknown', failure });
    },
  );

  test('with the endpoint of HTTP+SSE names a legacy server', () => {
    const failure = new UpstreamFailure('unsupported', 'answered with the endpoint of HTTP+SSE');
    expect(verdictOnHttpFailure(failure)).toEqual({ era: 'legacy', found: failure.message });
  });

  test.each<FailureKind>(['refused', 'broken', 'timeout', 'protocol', 'auth', 'exhausted', 'overloaded'])(
    'that is %s decides nothing',
    (kind) => {
      const failure = new UpstreamFailure(kind, 'no');
      expect(verdictOnHttpFailure(failure)).toEqual({ era: 'unknown', failure });
    },
  );
});
