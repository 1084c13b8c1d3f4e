import { GatewayError } from '../../errors.ts';
import { ObjectText } from '../../json/object.ts';
import type { Ends } from '../../json/scan.ts';
import { gatewaysKey } from '../../protocol/instance.ts';
import { type Message, type NotificationMessage, parseMessage } from '../../protocol/messages.ts';
import { negotiateVersion } from '../../protocol/versions.ts';
import { build } from '../../version.ts';
import { factsThatFit, type Principal, type SessionFacts } from './session-ids.ts';
import type { Session } from './sessions.ts';

/** As much of a client's name as is logged. */
const maxNameChars = 100;

/** What the gateway offers its clients. MCP 2025-11-25, Lifecycle, Capability Negotiation. */
const capabilities = { tools: { listChanged: true } };

/** Members of params that a client may leave out, and writes as null where its language has no "absent". */
const optionalMembers = ['_meta', 'arguments', 'capabilities', 'clientInfo', 'context', 'cursor', 'task'];

/**
 * The message in a client's text, without what is null and means "absent". Throws a SyntaxError where the text is no JSON.
 * For `ends` and `element` see {@link parseMessage}.
 */
export function clientMessage(text: string, ends?: Ends, element?: number): Message {
  const message = parseMessage(text, ends, element);
  if (message.kind !== 'request' && message.kind !== 'notification') return message;
  const { params } = message;
  if (params === undefined || !params.hasNull) return message;
  const absent = optionalMembers.filter((name) => params.isText(name, 'null'));
  if (absent.length === 0) return message;
  return { ...message, params: new ObjectText(params.without(...absent)) };
}

/**
 * The result of `initialize`. Throws `invalid_params` where the client's own params are wrong.
 * @param gateways the ids of this gateway and of those that it reaches
 */
export function initializeResult(params: ObjectText | undefined, gateways: string): string {
  const wrong = (what: string) => new GatewayError('invalid_params', `initialize: ${what}`);
  const protocolVersion = params?.string('protocolVersion');
  if (params === undefined || protocolVersion === undefined)
    throw wrong('"protocolVersion" must be a string');
  if (!params.isObjectOrAbsent('capabilities')) throw wrong('"capabilities" must be an object');
  if (!params.isObjectOrAbsent('clientInfo')) throw wrong('"clientInfo" must be an object');
  return JSON.stringify({
    protocolVersion: negotiateVersion(protocolVersion),
    capabilities,
    serverInfo: { name: 'mcpstead', version: build.version },
    _meta: { [gatewaysKey]: gateways },
  });
}

/** What is to be known of the session that an `initialize` opens, from params that {@link initializeResult} took. */
export function factsOf(params: ObjectText | undefined, principal: Principal): SessionFacts {
  return factsThatFit({
    protocolVersion: negotiateVersion(params?.string('protocolVersion') ?? ''),
    clientInfo: params?.member('clientInfo') ?? '{}',
    capabilities: params?.member('capabilities') ?? '{}',
    principal,
    view: '',
    openedSeconds: Date.now() / 1000,
  });
}

/** What the client of a session calls itself, for the log. */
export function clientName({ clientInfo }: SessionFacts): string {
  return new ObjectText(clientInfo).string('name')?.slice(0, maxNameChars) ?? 'unnamed';
}

/** Takes a client's notification. Those that nothing here waits for are accepted all the same. */
export function takeNotification(message: NotificationMessage, session: Session | undefined): void {
  if (session === undefined) return;
  if (message.method === 'notifications/cancelled') {
    // The text, not the value: an id may be a number that no double holds.
    const idText = message.params?.member('requestId');
    if (idText !== undefined) session.cancel(idText);
  }
}
