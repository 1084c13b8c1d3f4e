import { expect, test } from 'bun:test';
import type { Severity } from '../../../../src/protocol/severity.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { UpstreamLogLevel } from '../../../../src/upstream/legacy/log-level.ts';
import type { OwnRequests } from '../../../../src/upstream/requests/own-requests.ts';

/** A level at an upstream that refuses the levels that a test says. */
function levelAt(hasOneClient: boolean, refused: readonly Severity[] = []) {
  const asked: string[] = [];
  const ask = async (_method: string, params: string) => {
    const { level } = JSON.parse(params);
    asked.push(level);
    if (refused.includes(level)) throw new Error('no');
    return { payload: '{}' };
  };
  return { level: new UpstreamLogLevel({ ask } as unknown as OwnRequests, hasOneClient), asked };
}

test('a level that could not be set is news again', async () => {
  const { level, asked } = levelAt(false, ['debug']);
  await level.set('debug', true, new Abort());
  expect([level.isNews('debug'), asked]).toEqual([true, ['debug']]);
});

test('of many clients only the most verbose one counts, of one client each level', async () => {
  for (const [hasOneClient, expected] of [
    [false, [false, true, false]],
    [true, [true, true, false]],
  ] as const) {
    const { level } = levelAt(hasOneClient);
    await level.set('warning', true, new Abort());
    expect([level.isNews('error'), level.isNews('info'), level.isNews('warning')]).toEqual([...expected]);
  }
});

test('a server without levels is not asked', async () => {
  const { level, asked } = levelAt(false);
  await level.set('info', false, new Abort());
  expect([asked, level.isNews('info')]).toEqual([[], false]);
});
