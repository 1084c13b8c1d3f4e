import { expect, test } from 'bun:test';
import { negotiateVersion } from '../../../src/protocol/versions.ts';

test.each([
  ['2024-11-05', '2024-11-05'],
  ['2025-03-26', '2025-03-26'],
  ['2025-06-18', '2025-06-18'],
  ['2025-11-25', '2025-11-25'],
  ['2026-07-28', '2025-11-25'],
  ['1.0', '2025-11-25'],
  ['', '2025-11-25'],
])('a client that requests version %p gets %s', (requested, expected) => {
  expect(negotiateVersion(requested)).toBe(expected as ReturnType<typeof negotiateVersion>);
});
