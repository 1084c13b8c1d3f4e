import { describe, expect, test } from 'bun:test';
import { type RequestState, RequestStates } from '../../../../src/downstream/modern/request-state.ts';
import { ObjectText } from '../../../../src/json/object.ts';
import type { Exchange } from '../../../../src/protocol/exchange.ts';
import { Seal } from '../../../../src/state/seal.ts';
import { defaultCaller } from '../../../support/modern-calls.ts';

const key = new Uint8Array(32);
const state: RequestState = { round: 2, server: 'files', next: { kind: 'upstream', state: '"up\\u0073"' } };

const exchangeOf = ({
  caller = {},
  method = 'tools/call',
  params = '{"name":"a","arguments":{"x": 1}}',
} = {}) =>
  ({
    caller: { ...defaultCaller, ...caller },
    method,
    params: new ObjectText(params),
  }) as unknown as Exchange;

const states = (nowMs = 0, seal = new Seal(key)) => new RequestStates(seal, () => nowMs);

describe('a request state', () => {
  test.each<[string, RequestState['next']]>([
    ['the state of an upstream, byte by byte', { kind: 'upstream', state: '"\\u00e9é\\n"' }],
    ['that its upstream has no state', { kind: 'upstream', state: null }],
    ['an empty state of an upstream', { kind: 'upstream', state: '""' }],
    ['the id of a parked call', { kind: 'parked', id: 'a-b' }],
    ['that the request is sent anew', { kind: 'anew' }],
  ])('carries %s to a gateway with the same key', (_, next) => {
    const sealed = states().issue(exchangeOf(), { ...state, next });
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(states().open(exchangeOf(), sealed)).toEqual({ round: 2, server: 'files', next });
  });

  test('fits a retry whose _meta differs, and whose members are in another order', () => {
    const sealed = states().issue(
      exchangeOf({ params: '{"_meta":{"a":1},"name":"a","arguments":{}}' }),
      state,
    );
    const retry = exchangeOf({
      params: '{"arguments":{}, "name":"a","requestState":"s","inputResponses":{}}',
    });
    expect(states().open(retry, sealed)).toEqual(state);
  });

  test.each([
    ['other arguments', { params: '{"name":"a","arguments":{"x": 2}}' }],
    ['another tool', { params: '{"name":"b","arguments":{"x": 1}}' }],
    ['a further param', { params: '{"name":"a","arguments":{"x": 1},"y":1}' }],
    ['another method', { method: 'prompts/get' }],
    ['another view', { caller: { view: 'v' } }],
  ])('is refused for a request with %s', (_, other) => {
    const sealed = states().issue(exchangeOf(), state);
    expect(() => states().open(exchangeOf(other), sealed)).toThrow('belongs to another request');
  });

  test('of another principal looks like a forged one', () => {
    const sealed = states().issue(exchangeOf(), state);
    const foreign = exchangeOf({ caller: { principal: 'bearer' }, method: 'prompts/get' });
    expect(() => states(999_000_000).open(foreign, sealed)).toThrow('is not one that this gateway gave');
  });

  test.each([
    [
      'changed',
      (sealed: string) => `${sealed.slice(0, 9)}${sealed[9] === 'A' ? 'B' : 'A'}${sealed.slice(10)}`,
    ],
    ['extended', (sealed: string) => `${sealed}-TAMPERED`],
    ['cut', (sealed: string) => sealed.slice(0, -1)],
    ['empty', () => ''],
    ['too long', () => 'A'.repeat(40_000)],
    ['sealed for something else', () => new Seal(key).seal('session', 'x')],
    [
      'sealed with another key',
      () => states(0, new Seal(new Uint8Array(32).fill(1))).issue(exchangeOf(), state),
    ],
  ])('that is %s is refused with -32602', (_, tamper) => {
    const sealed = states().issue(exchangeOf(), state);
    const open = () => states().open(exchangeOf(), tamper(sealed));
    expect(open).toThrow('is not one that this gateway gave to this client');
    expect(open).toThrow(expect.objectContaining({ rpcCode: -32602 }));
  });

  test('expires after 600 s', () => {
    const sealed = states(1_000).issue(exchangeOf(), state);
    expect(states(600_999).open(exchangeOf(), sealed)).toEqual(state);
    expect(() => states(601_000).open(exchangeOf(), sealed)).toThrow('has expired after 600 s');
  });

  test('takes up to 16 KiB of the upstream', () => {
    const next = (bytes: number) => ({ kind: 'upstream' as const, state: `"${'é'.repeat(bytes / 2)}"` });
    const sealed = states().issue(exchangeOf(), { ...state, next: next(16_384) });
    expect(states().open(exchangeOf(), sealed).next).toEqual(next(16_384));
    expect(() => states().issue(exchangeOf(), { ...state, next: next(16_386) })).toThrow(
      'upstream "files": sent a requestState of 16386 bytes; at most 16384 are passed on',
    );
  });

  test('is another one each time', () => {
    expect(states().issue(exchangeOf(), state)).not.toBe(states().issue(exchangeOf(), state));
  });
});
