// The requests that the load consists of.

import { firstId, firstTag } from './load/answers.ts';

/** A call whose message has `bytes` bytes, its id and tag still to be filled in. */
export function callOf(tool: string, bytes: number): string {
  const message = (text: string) =>
    JSON.stringify({
      jsonrpc: '2.0',
      id: Number(firstId),
      method: 'tools/call',
      params: { name: tool, arguments: { text } },
    });
  return message(firstTag + 'y'.repeat(Math.max(0, bytes - message(firstTag).length)));
}

/** A request for the list of tools. */
export const list = JSON.stringify({ jsonrpc: '2.0', id: Number(firstId), method: 'tools/list' });
