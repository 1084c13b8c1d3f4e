import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../src/observability/log.ts';
import { Redactor } from '../../../src/observability/redact.ts';
import { EndedSessions } from '../../../src/state/ended-sessions.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { waitUntil } from '../../support/wait.ts';

test('ended sessions are written at once, then at most once a second', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-ended-'));
  const path = join(folder, 'ended');
  const later = Math.floor(Date.now() / 1000) + 1_000;
  const logger = createLogger({ level: 'warn', format: 'json', redactor: new Redactor(), write: () => {} });
  const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);
  try {
    const clock = new FakeClock();
    const sessions = new EndedSessions({ path, logger }, clock);
    sessions.add('one', later);
    clock.advance(0);
    await waitUntil('the first line', () => lines() === 1);
    await sessions.flush();

    sessions.add('two', later);
    sessions.add('three', later);
    clock.advance(999);
    expect(lines()).toBe(1);
    clock.advance(1);
    await waitUntil('three lines', () => lines() === 3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
