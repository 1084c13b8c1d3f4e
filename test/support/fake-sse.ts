import { type EventChannel, eventChannel } from './event-channel.ts';
import {
  echoTool,
  type FakeAnswer,
  type FakeUpstream,
  fakeUpstream,
  type Received,
} from './fake-upstream.ts';
import type { RpcMessage } from './rpc.ts';

/** The faults of a fake server of the older transport, which otherwise behaves well. */
export interface FakeSseOptions {
  /** The data of the `endpoint` event. */
  endpoint?: string;
  /** Gets every POST to the endpoint first; an HTTP response replaces the 202, and nothing is sent then. */
  onPost?(message: RpcMessage, request: Received): FakeAnswer | Promise<FakeAnswer>;
  /** The answer over the stream to a request; undefined means the default, null sends nothing. */
  onRequest?(message: RpcMessage): RpcMessage | null | undefined;
}

/** A scriptable server that speaks HTTP+SSE only (MCP 2024-11-05, Transports): a POST to its `/sse` gets 405. */
export interface FakeSse extends FakeUpstream {
  /** All streams, in the order of their opening. */
  readonly streams: readonly EventChannel[];
}

function resultOf(message: RpcMessage): object {
  switch (message.method) {
    case 'initialize':
      return {
        protocolVersion: '2024-11-05',
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'fake-sse', version: '1.0.0' },
      };
    case 'tools/list':
      return { tools: [echoTool] };
    case 'tools/call':
      return { content: [{ type: 'text', text: JSON.stringify(message.params?.arguments ?? {}) }] };
    default:
      return {};
  }
}

/** Starts one on the loopback interface. */
export async function fakeSse(options: FakeSseOptions = {}): Promise<FakeSse> {
  const streams: EventChannel[] = [];
  const upstream = await fakeUpstream({
    sessions: false,
    onGet() {
      const endpoint = options.endpoint ?? `/messages?stream=${streams.length}`;
      const stream = eventChannel(`event: endpoint\ndata: ${endpoint}\n\n`);
      streams.push(stream);
      return stream.response;
    },
    async onPost(message, request) {
      if (request.url.pathname === '/sse') return new Response(null, { status: 405 });
      const answer = await options.onPost?.(message, request);
      if (answer) return answer;
      if (message.id !== undefined && message.method !== undefined) {
        const reply = options.onRequest?.(message);
        const sent =
          reply === undefined ? { jsonrpc: '2.0', id: message.id, result: resultOf(message) } : reply;
        if (sent) streams[Number(request.url.searchParams.get('stream'))]?.send(sent);
      }
      return new Response('Accepted', { status: 202 });
    },
  });
  return Object.assign(upstream, { url: `${upstream.origin}/sse`, streams });
}
