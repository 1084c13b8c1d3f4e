import { describe, expect, test } from 'bun:test';
import { bodyBudget } from '../../../src/runtime/byte-budget.ts';
import { CollectedBytes } from '../../../src/runtime/collected-bytes.ts';
import { Random } from '../../support/random.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

describe('a body that is collected from chunks', () => {
  test('is complete, whatever their sizes, and whether its length is known or not', () => {
    const random = new Random(7);
    for (let round = 0; round < 60; round++) {
      const sizes = Array.from({ length: random.below(40) }, () =>
        random.below(random.pick([10, 5_000, 300_000])),
      );
      const expected = Buffer.alloc(sizes.reduce((sum, size) => sum + size, 0));
      for (let at = 0; at < expected.length; at++) expected[at] = (at * 7 + round) % 251;
      for (const length of [null, expected.length]) {
        const collected = new CollectedBytes(length);
        let at = 0;
        for (const size of sizes) {
          collected.add(new Uint8Array(expected.subarray(at, at + size)));
          at += size;
        }
        const { bytes, holding } = collected.end();
        expect(bytes.equals(expected)).toBe(true);
        holding?.release();
      }
    }
  });

  test('counts while it arrives and as long as it is held', () => {
    const before = bodyBudget.bytes;
    const collected = new CollectedBytes(null);
    for (let i = 0; i < 32; i++) {
      expect(collected.tryHold(64 * KiB)).toBe(true);
      collected.add(new Uint8Array(64 * KiB));
    }
    expect(bodyBudget.bytes - before).toBe(2 * MiB);
    const { bytes, holding } = collected.end();
    expect([bytes.length, bodyBudget.bytes - before]).toEqual([2 * MiB, 2 * MiB]);
    holding?.release();
    expect(bodyBudget.bytes).toBe(before);
  });

  test('does not count while it is short', () => {
    const before = bodyBudget.bytes;
    const collected = new CollectedBytes(64 * KiB);
    collected.tryHold(64 * KiB);
    collected.add(new Uint8Array(64 * KiB));
    expect(collected.end().holding).toBeNull();
    expect(bodyBudget.bytes).toBe(before);
  });

  test('releases its bytes when it is discarded', () => {
    const before = bodyBudget.bytes;
    const collected = new CollectedBytes(null);
    collected.tryHold(MiB);
    collected.add(new Uint8Array(MiB));
    collected.discard();
    expect(bodyBudget.bytes).toBe(before);
  });

  test('does not allocate its declared length in advance', () => {
    const before = process.memoryUsage().arrayBuffers;
    const many = Array.from({ length: 100 }, () => new CollectedBytes(64 * MiB));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * MiB);
    for (const each of many) each.discard();
  });
});
