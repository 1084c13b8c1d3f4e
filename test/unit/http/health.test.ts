import { expect, test } from 'bun:test';
import { areRequiredConnected } from '../../../src/http/health.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';

test.each([
  ['no upstream', [], true],
  ['a required upstream that is connected', [[true, true]], true],
  [
    'a required upstream that is not connected',
    [
      [true, true],
      [true, false],
    ],
    false,
  ],
  [
    'another upstream that is not connected',
    [
      [true, true],
      [false, false],
    ],
    true,
  ],
] as const)('whether the gateway is ready with %s: %p is %p', (_, upstreams, isReady) => {
  const given = upstreams.map(([required, isConnected]) => ({ config: { required }, isConnected }));
  expect(areRequiredConnected(given as unknown as Upstream[])).toBe(isReady);
});
