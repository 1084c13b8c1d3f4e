import { expect, test } from 'bun:test';
import { Opening } from '../../../src/http/opening.ts';

const get = (signal?: AbortSignal) =>
  new Request('http://gateway.example/mcp', { ...(signal && { signal }) });
const post = (headers: Record<string, string>) =>
  new Request('http://gateway.example/mcp', { method: 'POST', headers });

async function refusalOf(response: Promise<Response | null>) {
  const refused = await response;
  if (refused === null) throw new Error('it was not refused');
  return { status: refused.status, headers: refused.headers, text: await refused.text() };
}

test('a request waits for the opening, whatever others do', async () => {
  const opening = new Opening();
  const waits = opening.wait(get());
  expect(await Promise.race([waits, Bun.sleep(20).then(() => 'waits')])).toBe('waits');
  opening.open();
  expect(await waits).toBeNull();
});

test('the thousand and first request is refused at once, until one of the others is given up', async () => {
  const opening = new Opening();
  const client = new AbortController();
  const waits = [opening.wait(get(client.signal)), ...Array.from({ length: 999 }, () => opening.wait(get()))];
  const { status, headers, text } = await refusalOf(opening.wait(get()));
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(text).toContain(
    'the gateway is starting, and 1000 requests wait for it already; nothing was executed',
  );
  client.abort();
  await waits[0];
  const next = opening.wait(get());
  opening.open();
  expect(await next).toBeNull();
});

test.each([
  ['long', { 'content-length': '65537' }],
  ['of unknown length', { 'transfer-encoding': 'chunked' }],
])('a body that is %s is refused at once, with its connection', async (_what, headers) => {
  const refused = await refusalOf(new Opening().wait(post(headers)));
  expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close']);
  expect(refused.text).toContain(
    'the gateway is starting, and takes bodies of at most 65536 bytes until then',
  );
});

test('who waits when the start is given up, or comes later, hears that nothing was executed', async () => {
  const opening = new Opening();
  const waits = opening.wait(post({ 'content-length': '65536' }));
  opening.giveUp();
  for (const wait of [waits, opening.wait(get())]) {
    const { status, text } = await refusalOf(wait);
    expect(status).toBe(503);
    expect(text).toContain('the start of the gateway has failed or was aborted; nothing was executed');
  }
});
