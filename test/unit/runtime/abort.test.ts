import { describe, expect, test } from 'bun:test';
import { Abort, type Signal } from '../../../src/runtime/abort.ts';

/** Both have to behave alike: functions take either. */
const ways: [string, () => { signal: Signal; abort(reason?: unknown): void }][] = [
  [
    'an AbortController',
    () => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
    },
  ],
  [
    'an Abort',
    () => {
      const signal = new Abort();
      return { signal, abort: (reason) => signal.abort(reason) };
    },
  ],
];

describe.each(ways)('%s', (_name, create) => {
  test('is not aborted at first', () => {
    const { signal } = create();
    expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
  });

  test('is aborted once, for the first reason', () => {
    const { signal, abort } = create();
    const first = new Error('first');
    abort(first);
    abort(new Error('second'));
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(first);
  });

  test('has an error as its reason if none is given', () => {
    const { signal, abort } = create();
    abort();
    expect(signal.reason).toBeInstanceOf(Error);
  });

  test('is aborted and has its reason when it calls its listeners', () => {
    const { signal, abort } = create();
    const seen: unknown[] = [];
    signal.addEventListener('abort', () => seen.push(signal.aborted, signal.reason), { once: true });
    abort('why');
    expect(seen).toEqual([true, 'why']);
  });

  test('calls its listeners once, in order, without removed ones', () => {
    const { signal, abort } = create();
    const called: number[] = [];
    const listeners = [0, 1, 2, 3, 4].map((index) => () => void called.push(index));
    for (const listener of listeners) signal.addEventListener('abort', listener, { once: true });
    for (const index of [0, 3]) signal.removeEventListener('abort', listeners[index] as () => void);
    signal.removeEventListener('abort', () => {});
    abort();
    abort();
    expect(called).toEqual([1, 2, 4]);
  });

  test('keeps a listener that was removed and added again, at the end', () => {
    const { signal, abort } = create();
    const called: number[] = [];
    const [first, second] = [() => void called.push(1), () => void called.push(2)];
    signal.addEventListener('abort', first);
    signal.addEventListener('abort', second);
    signal.removeEventListener('abort', first);
    signal.addEventListener('abort', first);
    abort();
    expect(called).toEqual([2, 1]);
  });

  test('does not call a listener that another one removes', () => {
    const { signal, abort } = create();
    const called: number[] = [];
    const second = () => void called.push(2);
    signal.addEventListener('abort', () => {
      called.push(1);
      signal.removeEventListener('abort', second);
    });
    signal.addEventListener('abort', second);
    abort();
    expect(called).toEqual([1]);
  });

  test('does not call a listener that is added too late', () => {
    const { signal, abort } = create();
    const called: number[] = [];
    signal.addEventListener('abort', () => {
      called.push(1);
      signal.addEventListener('abort', () => void called.push(2));
    });
    abort();
    signal.addEventListener('abort', () => void called.push(3));
    abort();
    expect(called).toEqual([1]);
  });
});
