import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

/** What a server offers: names, URIs and templates. */
export interface ServedItems {
  readonly tools?: readonly string[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  readonly templates?: readonly string[];
  /** The `_meta` of tools. */
  readonly meta?: Readonly<Record<string, Record<string, unknown>>>;
}

/** A real server of the v1 SDK whose items a test sets. */
export interface ItemServer extends AsyncDisposable {
  readonly url: string;
  /** Replaces these kinds of items and notifies every session. */
  serve(items: ServedItems): Promise<void>;
}

interface ItemSession {
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
}

const list = <T>(names: readonly string[] | undefined, make: (name: string) => T): T[] =>
  (names ?? []).map(make);

/** Starts a server, each of whose answers says who gives it to what. */
export async function startItemServer(
  name: string,
  first: ServedItems,
  instructions?: string,
): Promise<ItemServer> {
  let items = first;
  const sessions = new Map<string, ItemSession>();

  const openSession = async (): Promise<ItemSession> => {
    const changing = { listChanged: true };
    const capabilities = { tools: changing, prompts: changing, resources: changing };
    const server = new Server(
      { name, version: '1.0.0' },
      { capabilities, ...(instructions !== undefined && { instructions }) },
    );
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: list(items.tools, (tool) => ({
        name: tool,
        inputSchema: { type: 'object' as const },
        ...(items.meta?.[tool] && { _meta: items.meta[tool] }),
      })),
    }));
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => ({
      content: [{ type: 'text', text: `${name} ran ${params.name}` }],
    }));
    server.setRequestHandler(ListPromptsRequestSchema, () => ({
      prompts: list(items.prompts, (prompt) => ({ name: prompt })),
    }));
    server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `${name} says ${params.name}` } }],
    }));
    server.setRequestHandler(ListResourcesRequestSchema, () => ({
      resources: list(items.resources, (uri) => ({ uri, name: uri })),
    }));
    server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
      resourceTemplates: list(items.templates, (uriTemplate) => ({ uriTemplate, name: uriTemplate })),
    }));
    server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => ({
      contents: [{ uri, text: `${name} read ${uri}` }],
    }));
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, { server, transport }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return { server, transport };
  };

  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const id = request.headers.get('mcp-session-id');
      const session = id === null ? await openSession() : sessions.get(id);
      return session ? session.transport.handleRequest(request) : new Response(null, { status: 404 });
    },
  });
  return {
    url: `http://127.0.0.1:${http.port}/mcp`,
    async serve(changed) {
      items = { ...items, ...changed };
      for (const { server } of sessions.values()) {
        if (changed.tools) await server.sendToolListChanged();
        if (changed.prompts) await server.sendPromptListChanged();
        if (changed.resources || changed.templates) await server.sendResourceListChanged();
      }
    },
    async [Symbol.asyncDispose]() {
      await http.stop(true);
      await Promise.all([...sessions.values()].map(({ server }) => server.close()));
    },
  };
}
