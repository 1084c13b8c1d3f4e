// The command that the official suite runs as a client: `bun adapter.ts URL`. It puts a gateway in front of the suite's server,
// and does with an SDK client behind the gateway what the scenario wants to see.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { startGateway } from '../support/gateway.ts';

const url = process.argv[2] ?? '';
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
const isModern = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === '2026-07-28';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
};

const gateway = await startGateway({ servers: [{ name: 'suite', url }] });
const client = new Client(
  { name: 'conformance-adapter', version: '1.0.0' },
  {
    capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
    versionNegotiation: { mode: isModern ? { pin: '2026-07-28' } : 'legacy' },
  },
);
// The SDK adds the defaults of the form to an answer without them.
client.setRequestHandler('elicitation/create', ({ params }) => ({
  action: 'accept',
  content:
    'requestedSchema' in params && 'confirmed' in (params.requestedSchema.properties ?? {})
      ? { confirmed: true }
      : {},
}));
try {
  await gateway.waitFor('the suite is connected', ({ servers }) =>
    servers.every(({ connected }) => connected),
  );
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/suite`)));
  await play();
} catch (error) {
  console.error(error, gateway.logs.slice(-20).join(''));
  process.exitCode = 1;
} finally {
  await client.close();
  await gateway.gateway.stop();
  // The suite waits for the end, and answers that are kept for retries would delay it.
  process.exit();
}

async function play(): Promise<void> {
  const { tools } = await client.listTools();
  if (scenario === 'json-schema-ref-no-deref') return;
  if (context.toolCalls) {
    for (const call of context.toolCalls) await client.callTool(call);
    return;
  }
  for (const { name } of tools) {
    const args: Record<string, unknown> = name === 'add_numbers' ? { a: 5, b: 3 } : { region: 'eu' };
    await client.callTool({ name, arguments: args });
  }
  if (scenario !== 'http-standard-headers') return;
  for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
  for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
}
