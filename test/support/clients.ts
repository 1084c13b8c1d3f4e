import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** The result of a tool, and its progress. */
interface Called {
  readonly text: string;
  /** `progress` of every notification, in order. */
  readonly progress: number[];
}

/** The same three steps on every client, so that one test serves them all. */
export interface TestClient extends AsyncDisposable {
  /** The names of all tools, in the order of the list. */
  toolNames(): Promise<string[]>;
  call(tool: string, args: Record<string, string | number>): Promise<Called>;
}

function firstText(result: unknown): string {
  const { content } = result as { content?: { text?: string }[] };
  return content?.[0]?.text ?? `no text in ${JSON.stringify(result)}`;
}

/** A v1 SDK client; `client` is the SDK's object, for steps beyond the common ones. */
export async function connectV1(
  url: string,
  capabilities: object = {},
): Promise<TestClient & { client: ClientV1 }> {
  const client = new ClientV1({ name: 'client-v1', version: '1.0.0' }, { capabilities });
  const transport = new TransportV1(new URL(url));
  // The SDK's own class does not fit its interface under exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  return {
    client,
    async toolNames() {
      const names: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await client.listTools(cursor === undefined ? {} : { cursor });
        names.push(...page.tools.map((tool) => tool.name));
        if (page.nextCursor === undefined) return names;
        cursor = page.nextCursor;
      }
    },
    async call(name, args) {
      const progress: number[] = [];
      const onprogress = (step: { progress: number }) => void progress.push(step.progress);
      const result = await client.callTool({ name, arguments: args }, undefined, { onprogress });
      return { text: firstText(result), progress };
    },
    [Symbol.asyncDispose]: () => endSession(transport, client),
  };
}

/** A v2 SDK client: `legacy` opens with `initialize`, `auto` asks with `server/discover` first. */
export async function connectV2(
  url: string,
  mode: 'legacy' | 'auto' = 'legacy',
): Promise<TestClient & { client: ClientV2 }> {
  const client = new ClientV2({ name: 'client-v2', version: '1.0.0' }, { versionNegotiation: { mode } });
  const transport = new TransportV2(new URL(url));
  await client.connect(transport);
  return {
    client,
    toolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
    async call(name, args) {
      const progress: number[] = [];
      const onprogress = (step: { progress: number }) => void progress.push(step.progress);
      const result = await client.callTool({ name, arguments: args }, { onprogress });
      return { text: firstText(result), progress };
    },
    [Symbol.asyncDispose]: () => endSession(transport, client),
  };
}

async function endSession(transport: TransportV1 | TransportV2, client: ClientV1 | ClientV2): Promise<void> {
  await transport.terminateSession().catch(() => undefined);
  await client.close();
}
