import { expect, test } from 'bun:test';
import { AdminStreams } from '../../../../src/http/admin/admin-streams.ts';
import { followLog } from '../../../../src/http/admin/log-stream.ts';
import { LogHistory } from '../../../../src/observability/log-history.ts';

test('a client that does not read loses lines, which the end of its stream says', async () => {
  const logs = new LogHistory();
  const streams = new AdminStreams();
  const stream = followLog(logs, { server: null, count: 0 }, streams);
  const text = 'x'.repeat(10_000);
  const add = (message: string) => logs.add({ message, level: 'info', time: 'now', fields: {} });
  for (let n = 0; n < 200; n++) add(`${n} ${text}`);
  const read = await new Response(stream?.readable).text();
  const shown = [...read.matchAll(/"message":"(\d+) /g)].map(([, n]) => Number(n));
  expect(shown[0]).toBe(0);
  expect(shown).toEqual(shown.map((_, index) => index));
  expect(shown.length).toBeGreaterThan(90);
  expect(shown.length).toBeLessThan(200);
  expect(read).toEndWith(`: ${200 - shown.length} lines were dropped: they were not read in time\n\n`);
  streams.close();
});
