import { describe, expect, test } from 'bun:test';
import { ClientLines } from '../../../src/bridge/client-lines.ts';

/** Pushes chunks; what came of them. */
async function taken(chunks: readonly (string | Uint8Array)[], maxBytes?: number): Promise<unknown[]> {
  const found: unknown[] = [];
  const lines = new ClientLines(
    {
      onMessage: (message, text) => void found.push([message.kind, text]),
      onRefused: (idText, problem) => void found.push([idText, problem]),
    },
    maxBytes,
  );
  for (const chunk of chunks) await lines.push(Buffer.from(chunk as string));
  return found;
}

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

describe('the lines of a client', () => {
  test('are messages, wherever chunks end, also within a character', async () => {
    const bytes = Buffer.from(`{"jsonrpc":"2.0","method":"ä"}\n${ping}\r\n\n`);
    const at = bytes.indexOf(0xc3) + 1;
    expect(await taken([bytes.subarray(0, at), bytes.subarray(at, at + 9), bytes.subarray(at + 9)])).toEqual([
      ['notification', '{"jsonrpc":"2.0","method":"ä"}'],
      ['request', ping],
    ]);
  });

  test('hold the elements of a batch as messages of their own', async () => {
    const response = '{"jsonrpc":"2.0","id":2,"result":{}}';
    expect(await taken([`[${ping}, ${response}]\n`])).toEqual([
      ['request', ping],
      ['response', response],
    ]);
  });

  test('are refused if they are no JSON or no UTF-8', async () => {
    expect(await taken(['{"jsonrpc"\n', new Uint8Array([0x22, 0xff, 0x22, 0x0a]), `${ping}\n`])).toEqual([
      [null, 'a line is not JSON'],
      [null, 'a line is not UTF-8'],
      ['request', ping],
    ]);
  });

  test.each([
    [
      'at its beginning',
      '{"jsonrpc":"2.0","id":"a\\"b","method":"tools/call","params":{"x":"',
      '"}}',
      '"a\\"b"',
    ],
    ['at its end', '{"method":"tools/call","params":{"x":"', '"},"jsonrpc":"2.0","id":12}', '12'],
    ['nowhere, because it is a response', '{"jsonrpc":"2.0","id":3,"result":{"x":"', '"}}', null],
  ])(
    'are refused if they are too long, under the id of their request: %s',
    async (_where, head, tail, id) => {
      const line = `${head}${'x'.repeat(5_000)}${tail}\n`;
      const [first, second] = await taken([line.slice(0, 3_000), line.slice(3_000), `${ping}\n`], 4_000);
      expect(first).toEqual([
        id,
        `the message has ${line.length - 1} bytes; the longest that can be passed on has 4000`,
      ]);
      expect(second).toEqual(['request', ping]);
    },
  );
});
