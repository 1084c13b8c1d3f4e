import { rpcError, rpcResult } from './answers.ts';
import { type EventChannel, eventChannel } from './event-channel.ts';
import {
  echoTool,
  type FakeAnswer,
  type FakeUpstream,
  fakeUpstream,
  type Received,
} from './fake-upstream.ts';
import type { RpcMessage } from './rpc.ts';

/** The faults of a fake server of the modern era, which otherwise behaves well. */
export interface FakeModernOptions {
  /** The tools that it lists, at each list. */
  tools?(): readonly object[];
  /** Members of the result of `server/discover`, in place of the usual ones. */
  discovery?: object;
  /** Members of the result of `tools/list`. */
  listMembers?: object;
  /** Gets every POST before the default answer. */
  onPost?(message: RpcMessage, request: Received): FakeAnswer | Promise<FakeAnswer>;
}

/** A stream of notifications that a client opened. */
interface ListenedStream {
  readonly channel: EventChannel;
  readonly id: RpcMessage['id'];
  /** The wanted notifications. */
  readonly filter: object;
}

/** A scriptable server of revision 2026-07-28. */
export interface FakeModern extends FakeUpstream {
  /** The streams of `subscriptions/listen`, in the order of their opening. */
  readonly streams: readonly ListenedStream[];
}

/** The announcements of a server that has tools. */
const discovery = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
  instructions: 'Be kind.',
  ttlMs: 0,
  cacheScope: 'private',
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'fake-modern', version: '1.0.0' } },
};

/** Starts one on the loopback interface. */
export async function fakeModern(options: FakeModernOptions = {}): Promise<FakeModern> {
  const streams: ListenedStream[] = [];
  const answer = async (message: RpcMessage, request: Received): Promise<FakeAnswer> => {
    const scripted = await options.onPost?.(message, request);
    if (scripted) return scripted;
    switch (message.method) {
      case 'server/discover':
        return rpcResult(message.id, { ...discovery, ...options.discovery });
      case 'subscriptions/listen': {
        const filter = message.params.notifications;
        const channel = eventChannel();
        const _meta = { 'io.modelcontextprotocol/subscriptionId': message.id };
        const params = { _meta, notifications: filter };
        channel.send({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params });
        streams.push({ channel, id: message.id, filter });
        return channel.response;
      }
      case 'tools/list': {
        const tools = options.tools?.() ?? [echoTool];
        const hints = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...options.listMembers };
        return rpcResult(message.id, { tools, ...hints });
      }
      case 'tools/call': {
        const text = JSON.stringify(message.params.arguments ?? {});
        return rpcResult(message.id, { resultType: 'complete', content: [{ type: 'text', text }] });
      }
      default:
        return rpcError(message.id, -32601, 'Method not found', { status: 404 });
    }
  };
  const upstream = await fakeUpstream({ sessions: false, onDiscover: answer, onPost: answer });
  return Object.assign(upstream, { streams });
}
