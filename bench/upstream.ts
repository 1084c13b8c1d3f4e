// A bare MCP server for benchmarks, as fast as Bun serves: answers of fixed size, no checks.
// Usage: bun bench/upstream.ts TOOLS RESULT_BYTES; prints its port on the first line.

const [toolCount = 10, resultBytes = 1024] = process.argv.slice(2).map(Number);
const tools = Array.from({ length: toolCount }, (_, index) => ({
  name: `tool_${index}`,
  description: `The tool number ${index} of the benchmark: takes a text and answers with one of fixed size.`,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
}));
const list = JSON.stringify({ tools });
const call = JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(resultBytes - 44) }] });
const initialized = JSON.stringify({
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'bench-upstream', version: '1' },
});

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    const { id, method } = (await request.json()) as { id?: number; method: string };
    if (id === undefined) return new Response(null, { status: 202 });
    const result = method === 'tools/call' ? call : method === 'tools/list' ? list : initialized;
    return new Response(`{"jsonrpc":"2.0","id":${id},"result":${result}}`, {
      headers: { 'content-type': 'application/json' },
    });
  },
});
console.log(server.port);
