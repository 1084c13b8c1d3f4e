// The JSON-RPC requests of the load.

import { firstId, firstTag } from './load/responses.ts';

/** A call of `bytes` bytes, with placeholders for its id and tag. */
export function callMessage(tool: string, bytes: number): string {
  const message = (text: string) =>
    JSON.stringify({
      jsonrpc: '2.0',
      id: Number(firstId),
      method: 'tools/call',
      params: { name: tool, arguments: { text } },
    });
  return message(firstTag + 'y'.repeat(Math.max(0, bytes - message(firstTag).length)));
}

/** A tools/list request. */
export const listMessage = JSON.stringify({ jsonrpc: '2.0', id: Number(firstId), method: 'tools/list' });
