import { describe, expect, test } from 'bun:test';
import { PageSessions } from '../../../../src/http/page/page-sessions.ts';

const hourMs = 3_600_000;

function startSessions() {
  let nowMs = 0;
  const sessions = new PageSessions(
    () => 8766,
    () => nowMs,
  );
  sessions.useToken('token');
  return { sessions, pass: (ms: number) => (nowMs += ms) };
}

describe('a session of the status page', () => {
  test('is opened by the cookie of its port, among others', () => {
    const { sessions } = startSessions();
    const value = sessions.open();
    expect(sessions.isValid(`mcpstead_8766=${value}`)).toBe(true);
    expect(sessions.isValid(`a=1; mcpstead_8766=stale; mcpstead_8766=${value} ;b=2`)).toBe(true);
    expect(sessions.isValid(`mcpstead_8767=${value}`)).toBe(false);
    expect(sessions.isValid(`mcpstead_8766=${value}x`)).toBe(false);
    expect(sessions.isValid(value)).toBe(false);
    expect(sessions.isValid('')).toBe(false);
    expect(sessions.isValid(null)).toBe(false);
  });

  test('has a cookie of its own', () => {
    const { sessions } = startSessions();
    expect(new Set(Array.from({ length: 50 }, () => sessions.open())).size).toBe(50);
  });

  test('ends after twelve hours, however often it is used', () => {
    const { sessions, pass } = startSessions();
    const cookie = `mcpstead_8766=${sessions.open()}`;
    pass(12 * hourMs - 1);
    expect(sessions.isValid(cookie)).toBe(true);
    pass(1);
    expect(sessions.isValid(cookie)).toBe(false);
  });

  test('ends when the token changes, but not when it is set again', () => {
    const { sessions } = startSessions();
    const cookie = `mcpstead_8766=${sessions.open()}`;
    sessions.useToken('token');
    expect(sessions.isValid(cookie)).toBe(true);
    sessions.useToken('other');
    expect(sessions.isValid(cookie)).toBe(false);
    sessions.useToken('token');
    expect(sessions.isValid(cookie)).toBe(false);
  });

  test('ends when its browser signs out, and others go on', () => {
    const { sessions } = startSessions();
    const [first, second] = [`mcpstead_8766=${sessions.open()}`, `mcpstead_8766=${sessions.open()}`];
    sessions.end(first);
    expect([sessions.isValid(first), sessions.isValid(second)]).toEqual([false, true]);
  });

  test('ends when a hundred newer ones are open', () => {
    const { sessions } = startSessions();
    const cookies = Array.from({ length: 101 }, () => `mcpstead_8766=${sessions.open()}`);
    expect(cookies.filter((cookie) => sessions.isValid(cookie)).length).toBe(100);
    expect(sessions.isValid(cookies[0] as string)).toBe(false);
  });
});
