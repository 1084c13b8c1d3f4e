import { describe, expect, test } from 'bun:test';
import {
  type EventKind,
  KeptEvents,
  keepableContent,
  sharedContent,
} from '../../../src/downstream/kept-events.ts';
import { freeAll } from '../../../src/downstream/reply-body.ts';
import { StoreShare, StreamStore } from '../../../src/downstream/stream-store.ts';
import { OwnedBytes } from '../../../src/runtime/owned-bytes.ts';

const mebibyte = 1024 * 1024;
const bytesOf = (length: number) => new OwnedBytes(new Uint8Array(length));

function eventsOf(store = new StreamStore()) {
  const events = new KeptEvents(new StoreShare(store));
  let serial = 0;
  return {
    events,
    store,
    /** Adds an event of so many bytes. */
    add(kind: EventKind, length: number, isConnected = false, isSent = isConnected): boolean {
      serial++;
      const content = keepableContent(['', bytesOf(length)]);
      return events.tryAdd({ kind, serial, head: '', content, isSent }, isConnected);
    },
    serials: () => events.after(0).map((event) => event.serial),
  };
}

describe('the events of a stream', () => {
  test('are dropped up to the one that the client has', () => {
    const { events, store, add, serials } = eventsOf();
    for (let n = 0; n < 3; n++) add('notification', 1_000);
    expect(events.after(2).map((event) => event.serial)).toEqual([3]);
    expect([serials(), events.keeps(3), events.keeps(2), events.isEmpty]).toEqual([[3], true, false, false]);
    expect(store.bytes).toBe(1_128);
    events.clear();
    expect([store.bytes, events.isEmpty]).toEqual([0, true]);
  });

  test('are the last hundred notifications while the client is connected, and a thousand else', () => {
    const connected = eventsOf();
    const disconnected = eventsOf();
    for (let n = 0; n < 1_001; n++) {
      connected.add('notification', 10, true);
      disconnected.add('notification', 10);
    }
    expect([connected.serials()[0], connected.serials().length]).toEqual([902, 100]);
    expect([disconnected.serials()[0], disconnected.serials().length]).toEqual([2, 1_000]);
  });

  test('leave out a notification that has no room, but no question or answer for one', () => {
    const { add, serials } = eventsOf();
    expect(add('notification', 3 * mebibyte)).toBe(false);
    expect(add('notification', mebibyte)).toBe(true);
    expect(add('question', 5 * mebibyte)).toBe(true);
    expect(add('answer', 4.5 * mebibyte)).toBe(true);
    expect(serials()).toEqual([3, 4]);
    expect(add('notification', mebibyte)).toBe(false);
    expect(add('answer', mebibyte)).toBe(false);
    expect(serials()).toEqual([3, 4]);
  });

  test('lose what was sent for an answer, but not what the client cannot have', () => {
    const { add, serials } = eventsOf();
    add('question', 5 * mebibyte, false, true);
    add('question', 4 * mebibyte);
    expect(add('answer', 4 * mebibyte)).toBe(true);
    expect(add('answer', 4 * mebibyte)).toBe(false);
    expect(serials()).toEqual([2, 3]);
  });

  test('have room for an answer, however many notifications other streams keep', () => {
    const { store, add } = eventsOf();
    const kept = Array.from({ length: 40 }, () => eventsOf(store).add('notification', mebibyte));
    expect(kept.filter(Boolean)).toHaveLength(31);
    expect(add('answer', 8 * mebibyte)).toBe(true);
    expect(add('notification', 10)).toBe(false);
  });

  test('have no place for more than 10 MiB at once', () => {
    const { add, store } = eventsOf();
    expect(add('answer', 10 * mebibyte)).toBe(false);
    expect(store.bytes).toBe(0);
  });
});

test('content is freed when it is sent to all readers and no longer kept', () => {
  const bytes = bytesOf(10);
  const kept = keepableContent(['a', bytes, 'b']);
  const readers = [sharedContent(kept), sharedContent(kept)] as const;
  freeAll(readers[0]);
  freeAll(kept);
  expect(bytes.length).toBe(10);
  freeAll(readers[1]);
  expect(bytes.length).toBe(0);
});
