import { GatewayError } from '../errors.ts';
import { ObjectText } from '../json/object.ts';
import { type Ends, elementPlaces, TooManyError } from '../json/scan.ts';
import { jsonType, mediaType } from '../protocol/headers.ts';
import { type Message, parseMessage, type RequestMessage } from '../protocol/messages.ts';
import { isLegacyVersion, legacyVersions } from '../protocol/versions.ts';
import type { EndpointRequest } from './request.ts';

export const maxBatchMessages = 100;
/** Names the limit in errors. */
export const batchMessages = 'messages in a batch';

/** Longer versions are truncated in errors. */
const maxVersionChars = 40;

/** Members of params that a client may omit, or write as null if its language has no "absent". */
const optionalMembers = ['_meta', 'arguments', 'capabilities', 'clientInfo', 'context', 'cursor', 'task'];

/** The content of a POST body. A single message stands for itself, so that a call needs no further object. */
export type Inbound =
  | Message
  | { readonly kind: 'initialize'; readonly request: RequestMessage }
  /** At least one message. */
  | { readonly kind: 'batch'; readonly messages: readonly Message[] };

/**
 * Classifies a POST body. Throws `parse_error` or `invalid_request`.
 * @param ends where long values end, if known
 */
export function classify(text: string, ends?: Ends): Inbound {
  try {
    const places = elementPlaces(text, maxBatchMessages, batchMessages, ends);
    if (places === null) {
      const message = clientMessage(text, ends);
      const opens = message.kind === 'request' && message.method === 'initialize';
      return opens ? { kind: 'initialize', request: message } : message;
    }
    const messages: Message[] = [];
    for (let i = 0; i < places.length; i += 2) messages.push(clientMessage(text, ends, places[i]));
    if (messages.length > 0) return { kind: 'batch', messages };
  } catch (error) {
    throw parseFailure(error);
  }
  throw new GatewayError('invalid_request', 'Invalid request: a batch must not be empty');
}

/** The error to report for an error that parsing a body threw. */
export function parseFailure(error: unknown): GatewayError {
  if (error instanceof TooManyError)
    return new GatewayError('invalid_request', `Invalid request: ${error.message}`);
  return new GatewayError('parse_error', 'Parse error: the body is not valid JSON');
}

/** The messages of a POST body. */
export function messagesOf(inbound: Inbound): readonly Message[] {
  if (inbound.kind === 'batch') return inbound.messages;
  return [inbound.kind === 'initialize' ? inbound.request : inbound];
}

/** Why the endpoint does not read a POST, if so. MCP 2025-11-25, Transports, Sending Messages to the Server. */
export function postProblem(request: EndpointRequest): GatewayError | null {
  if (mediaType(request.header('content-type')) !== jsonType)
    return new GatewayError('unsupported_media_type', `the Content-Type must be ${jsonType}`);
  if (request.accepted.json || request.accepted.sse) return null;
  const expected = 'the Accept header must allow application/json or text/event-stream';
  return new GatewayError('not_acceptable', expected);
}

/** Throws `unsupported_protocol_version`. MCP 2025-11-25, Transports, Protocol Version Header. */
export function checkVersion(version: string | null): void {
  if (version === null || version === '' || isLegacyVersion(version)) return;
  const requested = version.slice(0, maxVersionChars);
  throw new GatewayError('unsupported_protocol_version', `Unsupported protocol version: ${requested}`, {
    supported: legacyVersions,
    requested,
  });
}

/** Parses a client's message and drops optional members that are null. Parameters and errors: {@link parseMessage}. */
function clientMessage(text: string, ends?: Ends, element?: number): Message {
  const message = parseMessage(text, ends, element);
  if (message.kind !== 'request' && message.kind !== 'notification') return message;
  const { params } = message;
  if (params === undefined || !params.hasNull) return message;
  const absent = optionalMembers.filter((name) => params.isText(name, 'null'));
  if (absent.length === 0) return message;
  return { ...message, params: new ObjectText(params.without(...absent)) };
}
