import { describe, expect, test } from 'bun:test';
import { StoredStream, StoreShare, StreamStore } from '../../../src/downstream/stream-store.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const mebibyte = 1024 * 1024;

/** A stream that holds so many bytes. */
class TestStream extends StoredStream {
  readonly isEnded: boolean;
  readonly log: string[] = [];
  readonly #share: StoreShare;
  #bytes: number;

  constructor(share: StoreShare, isEnded: boolean, bytes = 0) {
    super();
    this.#share = share;
    this.isEnded = isEnded;
    this.#bytes = bytes;
    share.streams.push(this);
    if (bytes > 0) expect(share.tryHold(bytes)).toBe(true);
    if (isEnded) share.ended();
    share.wait(this);
  }

  drop(): void {
    this.log.push('dropped');
    this.unlink();
    this.#share.remove(this);
    this.#share.release(this.#bytes);
    this.#bytes = 0;
  }

  expire(): void {
    this.log.push('expired');
  }
}

describe('a stream that waits for its client', () => {
  test('expires after 60 s, whether it has ended or not', async () => {
    const clock = new FakeClock();
    const share = new StoreShare(new StreamStore(clock));
    const first = new TestStream(share, false);
    clock.advance(10_000);
    const second = new TestStream(share, true);
    const third = new TestStream(share, false);
    third.unlink();
    clock.advance(49_999);
    expect([first.log, second.log]).toEqual([[], []]);
    clock.advance(1);
    await nextTurn();
    expect([first.log, second.log]).toEqual([['expired'], []]);
    clock.advance(10_000);
    await nextTurn();
    expect([first.log, second.log, third.log]).toEqual([['expired'], ['expired'], []]);
  });

  test('expires with any number of others', async () => {
    const clock = new FakeClock();
    const share = new StoreShare(new StreamStore(clock));
    const streams = Array.from({ length: 1_000 }, () => new TestStream(share, false));
    clock.advance(60_000);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(streams.every(({ log }) => log.length === 1)).toBe(true);
    const next = new TestStream(share, false);
    clock.advance(60_000);
    await nextTurn();
    expect(next.log).toEqual(['expired']);
  });
});

describe('room', () => {
  test('in a session is made by its ended streams, the oldest first, and by no other', () => {
    const store = new StreamStore(new FakeClock());
    const [share, other] = [new StoreShare(store), new StoreShare(store)];
    const elsewhere = new TestStream(other, true, mebibyte);
    const going = new TestStream(share, false, 6 * mebibyte);
    const ended = [new TestStream(share, true, 6 * mebibyte), new TestStream(share, true, 6 * mebibyte)];
    expect(share.tryHold(3 * mebibyte)).toBe(true);
    expect([going, elsewhere, ...ended].map(({ log }) => log)).toEqual([[], [], ['dropped'], []]);
    expect(share.tryHold(15 * mebibyte)).toBe(false);
  });

  test('in all sessions together ends at 64 MiB', () => {
    const store = new StreamStore(new FakeClock());
    const shares = Array.from({ length: 4 }, () => new StoreShare(store));
    const ended = new TestStream(shares[0] as StoreShare, true, 16 * mebibyte);
    for (const share of shares.slice(1)) new TestStream(share, false, 16 * mebibyte);
    const last = new StoreShare(store);
    expect(last.tryHold(8 * mebibyte)).toBe(true);
    expect(ended.log).toEqual(['dropped']);
    expect(last.tryHold(9 * mebibyte)).toBe(false);
    expect(store.bytes).toBe(56 * mebibyte);
  });

  test('for notifications ends at half of it, and takes none of what ended streams have', () => {
    const store = new StreamStore(new FakeClock());
    const ended = new TestStream(new StoreShare(store), true, 16 * mebibyte);
    const [share, other] = [new StoreShare(store), new StoreShare(store)];
    expect(share.tryHold(16 * mebibyte, true)).toBe(true);
    expect(other.tryHold(1, true)).toBe(false);
    expect(ended.log).toEqual([]);
    expect(other.tryHold(16 * mebibyte)).toBe(true);
  });

  test('for ended streams of a session ends at a hundred', () => {
    const share = new StoreShare(new StreamStore(new FakeClock()));
    const streams = Array.from({ length: 102 }, () => new TestStream(share, true));
    expect(streams.filter(({ log }) => log.length > 0)).toEqual(streams.slice(0, 2));
    expect(share.streams).toHaveLength(100);
  });
});
