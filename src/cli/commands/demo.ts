import { parseConfig } from '../../config/load.ts';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import type { ExitCode } from '../exit-code.ts';
import { runGateway } from '../serving/run-gateway.ts';

/** Serves the embedded example server on `port` until a signal ends it. */
export async function demo(port: number): Promise<ExitCode> {
  const { startDemoServer } = await import('../serving/demo-server.ts');
  const server = startDemoServer();
  const yaml = `
port: ${port}
servers:
  - name: demo
    url: ${server.url}
    required: true
`;
  const loaded = parseConfig(yaml, 'the configuration of the demo', {});
  try {
    return await runGateway({
      loaded,
      readConfig: async () => loaded,
      isPersistent: false,
      onReady: (gateway) => output.print(1, `${demoText(gateway.url)}\n`),
    });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== 'port_unavailable') throw error;
    throw new GatewayError(error.kind, `${error.message}\nFor any free port: mcpstead demo --port 0`);
  } finally {
    await server.stop();
  }
}

/** Instructions for trying the demo at `origin`, such as `http://127.0.0.1:8766`. */
function demoText(origin: string): string {
  const url = `${origin}/mcp`;
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'demo__echo', arguments: { text: 'Hello from mcpstead' } },
  };
  const headers = ['Content-Type: application/json', 'Accept: application/json'];
  const curl = [
    `curl -sS ${url}`,
    ...headers.map((header) => `-H ${quote(header)}`),
    `-d ${quote(JSON.stringify(call))}`,
  ];
  const cursor = { mcpServers: { mcpstead: { url } } };
  const vsCode = { servers: { mcpstead: { type: 'http', url } } };
  return `
The demo serves ${url}

Call a tool:
  ${curl.join(' ')}

Connect a client:
  Claude Code            claude mcp add --transport http mcpstead ${url}
  Cursor (mcp.json)      ${JSON.stringify(cursor)}
  VS Code (mcp.json)     ${JSON.stringify(vsCode)}

Look inside: ${origin}/ in a browser, ${origin}/health and ${origin}/metrics
Ctrl-C ends the demo.
`;
}

/** Quotes a text without single quotes for a POSIX shell, or for cmd.exe, where single quotes do not quote. */
function quote(text: string): string {
  return process.platform === 'win32' ? `"${text.replaceAll('"', '\\"')}"` : `'${text}'`;
}
