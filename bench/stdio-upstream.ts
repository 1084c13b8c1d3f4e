// The server of upstream.ts over stdio: one tool, whose result has a fixed length. Usage: bun bench/stdio-upstream.ts BYTES
// It runs on Node, too, because the other bridges start it.

const frame = { before: '{"content":[{"type":"text","text":"', after: '"}]}' };
const tagLength = 10;
const resultBytes = Number(process.argv[2]);
const filler = 'x'.repeat(resultBytes - frame.before.length - frame.after.length - tagLength) + frame.after;
const tool = '{"name":"tool_0","description":"Answers","inputSchema":{"type":"object"}}';
const results: Readonly<Record<string, string>> = {
  initialize:
    '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench-stdio","version":"1"}}',
  'tools/list': `{"tools":[${tool}]}`,
  ping: '{}',
};

/** The answer to one line; null if it needs none. */
function answerTo(line: string): string | null {
  const id = /"id":("[^"]*"|\d+)/.exec(line)?.[1];
  const method = /"method":"([^"]*)"/.exec(line)?.[1] ?? '';
  if (id === undefined) return null;
  const tag = line.slice(line.indexOf('#')).slice(0, tagLength);
  const result = method === 'tools/call' ? frame.before + tag + filler : results[method];
  return result === undefined
    ? `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}\n`
    : `{"jsonrpc":"2.0","id":${id},"result":${result}}\n`;
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  const answers = lines.map((line) => answerTo(line) ?? '').join('');
  if (answers !== '') process.stdout.write(answers);
});
process.stdin.on('end', () => process.exit(0));

export {};
