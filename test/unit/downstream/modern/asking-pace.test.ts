import { expect, test } from 'bun:test';
import { AskingPace, itemOf } from '../../../../src/downstream/modern/asking-pace.ts';
import { ObjectText } from '../../../../src/json/object.ts';
import type { Exchange } from '../../../../src/protocol/exchange.ts';

const alone = (pace: AskingPace, item: string, times: number) => {
  for (let i = 0; i < times; i++) pace.askedAlone(item);
};

test('an item that has asked three times alone is not waited for', () => {
  const pace = new AskingPace();
  alone(pace, 'a', 2);
  expect(pace.quietMs('a')).toBe(10);
  alone(pace, 'a', 1);
  expect([pace.quietMs('a'), pace.quietMs('b')]).toEqual([0, 10]);
});

test('an item that has asked together is waited for, for long', () => {
  const pace = new AskingPace();
  alone(pace, 'a', 100);
  pace.askedTogether('a');
  alone(pace, 'a', 22);
  expect(pace.quietMs('a')).toBe(10);
  alone(pace, 'a', 1);
  expect(pace.quietMs('a')).toBe(0);
});

test('the latest items are remembered', () => {
  const pace = new AskingPace();
  for (let i = 0; i <= 1_000; i++) alone(pace, String(i), 3);
  expect([0, 500, 1_000].map((item) => pace.quietMs(String(item)))).toEqual([10, 0, 0]);
});

test('an item is known by its server, method, and name or URI', () => {
  const item = (method: string, params?: string) =>
    itemOf({ method, params: params && new ObjectText(params) } as unknown as Exchange, 'up');
  expect(item('tools/call', '{"name":"t","uri":"u"}')).toBe('up tools/call t');
  expect(item('resources/read', '{"uri":"u"}')).toBe('up resources/read u');
  expect(item('tools/call')).toBe('up tools/call ');
  expect(item('tools/call', JSON.stringify({ name: 'x'.repeat(300) }))).toHaveLength(214);
});
