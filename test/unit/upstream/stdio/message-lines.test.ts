import { describe, expect, test } from 'bun:test';
import type { Message } from '../../../../src/protocol/messages.ts';
import { textOf } from '../../../../src/runtime/owned-bytes.ts';
import { MessageLines } from '../../../../src/upstream/stdio/message-lines.ts';
import { freeMessages } from '../../../../src/upstream/transport/parse-messages.ts';

function linesOf(maxBytes?: number) {
  const seen: string[] = [];
  const shown = (message: Message): string => {
    if (message.kind === 'response') return `response ${message.id} ${textOf(message.payload).length}`;
    if (message.kind === 'invalid') return `invalid ${message.answers ?? message.problem}`;
    return `${message.kind} ${message.method}`;
  };
  const lines = new MessageLines(
    {
      onMessage(message) {
        seen.push(shown(message));
        freeMessages([message]);
      },
      onNoise: (line) => void seen.push(`noise ${line}`),
      onLossyLine: () => void seen.push('lossy'),
      onSkippedLine: (bytes, isAnswer) => void seen.push(`skipped ${bytes} ${isAnswer}`),
    },
    maxBytes,
  );
  const push = async (text: string | Uint8Array) => {
    await lines.push(new Uint8Array(Buffer.from(text as string)));
  };
  return { lines, push, seen };
}
const result = (id: unknown, chars: number) =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"a":"${'x'.repeat(chars)}"}}\n`;

describe('the output of a process', () => {
  test('is one message a line, in order, noise and empty lines apart', async () => {
    const { lines, push, seen } = linesOf();
    await push(
      `Welcome\n\n${result(1, 2)}  \r\n{"jsonrpc":"2.0","method":"a"}\r\n[${result(2, 0).trim()},7]\n"text"\n`,
    );
    await push('{"jsonrpc":"2.0","method":"unended"}');
    await lines.end();
    expect(seen).toEqual([
      'noise Welcome',
      'response 1 10',
      'notification a',
      'response 2 8',
      'invalid a message must be a JSON object',
      'invalid a message must be a JSON object',
      'notification unended',
    ]);
  });

  test('keeps its order around a long message', async () => {
    const { push, seen } = linesOf();
    await push(`${result(1, 1)}${result(2, 3_000_000)}${result(3, 1)}`);
    expect(seen).toEqual(['response 1 9', 'response 2 3000008', 'response 3 9']);
  });

  test('may hold bytes that are not UTF-8, in short lines and in long ones', async () => {
    const { push, seen } = linesOf();
    await push(Buffer.from(result(1, 5).replace('xxxxx', 'gr\u00fcn!'), 'latin1'));
    await push(Buffer.from(`${result(2, 200_000).slice(0, -5)}\u00fc"}}\n`, 'latin1'));
    await push(result(3, 5).replace('xxxxx', '\ufffd'));
    expect(seen).toEqual(['lossy', 'response 1 13', 'lossy', 'response 2 200008', 'response 3 9']);
  });
});

describe('a line that is too long', () => {
  test.each([
    ['id first', result(7, 1_000)],
    ['id before the version', `{"id":7,"jsonrpc":"2.0","result":{"a":"${'x'.repeat(1_000)}"}}\n`],
    ['id last', `{"jsonrpc":"2.0","result":{"a":"${'x'.repeat(1_000)}"},"id":7}\n`],
    ['id before the version, at the end', `{"result":{"a":"${'x'.repeat(1_000)}"},"jsonrpc":"2.0","id":7}\n`],
    ['a string as id', result('7', 1_000)],
  ])('fails its request: %s', async (_, line) => {
    const { push, seen } = linesOf(500);
    await push(`${line}${result(8, 1)}`);
    expect(seen).toEqual([`skipped ${line.length - 1} true`, 'invalid 7', 'response 8 9']);
  });

  test.each([
    ['a request', `{"jsonrpc":"2.0","id":7,"method":"a","params":{"a":"${'x'.repeat(1_000)}"}}\n`],
    ['a notification', `{"jsonrpc":"2.0","method":"a","params":{"a":"${'x'.repeat(1_000)}"}}\n`],
    ['noise', `${'x'.repeat(1_000)}\n`],
  ])('is skipped if it is %s', async (_, line) => {
    const { push, seen } = linesOf(500);
    await push(`${line}${result(8, 1)}`);
    expect(seen).toEqual([`skipped ${line.length - 1} false`, 'response 8 9']);
  });
});
