import { expect, test } from 'bun:test';
import { Denials } from '../../../src/upstream/denials.ts';

/** Denials whose time a test plays, and a session in which a call went well. */
function played() {
  let nowMs = 0;
  const denials = new Denials({ nowMs: () => nowMs });
  return {
    denials,
    session: { hasServed: true },
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

test('are believed when all calls of a second met with one', () => {
  const { denials, session, pass } = played();
  const believed = [];
  for (let denial = 0; denial < 5; denial++) {
    believed.push(denials.believed(session));
    pass(300);
  }
  expect(believed).toEqual([false, false, false, false, true]);
});

test('are not believed while other calls go well, for however long', () => {
  const { denials, session, pass } = played();
  for (let denial = 0; denial < 10; denial++) {
    expect(denials.believed(session)).toBe(false);
    session.hasServed = true;
    pass(5_000);
  }
});

test('are not believed in a session in which no call ever went well', () => {
  const { denials, pass } = played();
  const session = { hasServed: false };
  for (let denial = 0; denial < 10; denial++) {
    expect(denials.believed(session)).toBe(false);
    pass(5_000);
  }
});

test('that go on in one session after another are believed ever more seldom, at last once an hour', () => {
  const { denials, pass } = played();
  const minutes = [];
  for (let second = 0, session = { hasServed: true }; second < 4 * 3_600; second++) {
    if (denials.believed(session)) {
      minutes.push(Math.floor(second / 60));
      session = { hasServed: true };
    }
    pass(1_000);
  }
  expect(minutes).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
});
