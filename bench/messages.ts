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

/** The same call in the modern era, whose `_meta` comes in addition. */
export function modernCallMessage(tool: string, bytes: number): string {
  const call = JSON.parse(callMessage(tool, bytes));
  call.params._meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return JSON.stringify(call);
}

/** The header lines of a call of `tool` in the modern era. */
export function modernHeaders(tool: string): string[] {
  return ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: tools/call', `Mcp-Name: ${tool}`];
}
