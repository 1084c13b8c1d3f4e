import { GatewayError } from '../errors.ts';
import { ObjectText } from '../json/object.ts';
import { type Ends, elementPlaces, TooManyError } from '../json/scan.ts';
import { jsonType, mediaType } from '../protocol/headers.ts';
import {
  type Message,
  type NotificationMessage,
  parseMessage,
  type RequestMessage,
} from '../protocol/messages.ts';
import { reservedMeta } from '../protocol/reserved-meta.ts';
import { isLegacyVersion, legacyVersions, namesModernEra } from '../protocol/versions.ts';
import type { EndpointRequest } from './request.ts';

export const maxBatchMessages = 100;
/** Names the limit in errors. */
export const batchMessages = 'messages in a batch';

/** Longer versions are truncated in errors. */
const maxVersionChars = 40;

/** Members of params that a client may omit, or write as null if its language has no "absent". */
const optionalMembers = [
  '_meta',
  'arguments',
  'capabilities',
  'clientInfo',
  'context',
  'cursor',
  'inputResponses',
  'requestState',
  'task',
];

/** By this member of its `_meta`, a message is of the modern era. */
const claimKey = reservedMeta.protocolVersion;
/** A shorter `_meta` cannot have the claim. */
const minClaimChars = `{"${claimKey}":0}`.length;

/** The content of a POST body. A single message stands for itself, so that a call needs no further object. */
export type Inbound =
  | Message
  | { readonly kind: 'initialize'; readonly request: RequestMessage }
  | ModernMessage
  /** At least one message. */
  | { readonly kind: 'batch'; readonly messages: readonly Message[] };

/** A message of the modern era, because it claims to be, or else because its headers do. MCP 2026-07-28, Versioning. */
export interface ModernMessage {
  readonly kind: 'modern';
  readonly message: RequestMessage | NotificationMessage;
}

/**
 * Classifies a POST body, also by era. Throws `parse_error`, or `invalid_request` for a batch or a response of the modern era.
 * @param version the protocol version that the headers name, if any
 * @param ends where long values end, if known
 */
export function classify(text: string, version: string | null, ends?: Ends): Inbound {
  const isModern = version !== null && namesModernEra(version);
  const inbound = contentOf(text, isModern, ends);
  if (isModern && (inbound.kind === 'batch' || inbound.kind === 'response'))
    throw new GatewayError(
      'invalid_request',
      `Invalid request: a body of MCP ${version} must be one request or notification`,
    );
  return inbound;
}

/** @param isModern whether requests and notifications are of the modern era, whatever they claim */
function contentOf(text: string, isModern: boolean, ends?: Ends): Inbound {
  try {
    const places = elementPlaces(text, maxBatchMessages, batchMessages, ends);
    if (places === null) {
      const message = clientMessage(text, ends);
      if (message.kind !== 'request' && message.kind !== 'notification') return message;
      if (isModern || isClaimed(message.params)) return { kind: 'modern', message };
      const opens = message.kind === 'request' && message.method === 'initialize';
      return opens ? { kind: 'initialize', request: message } : message;
    }
    const messages: Message[] = [];
    for (let i = 0; i < places.length; i += 2) messages.push(legacyMessage(text, ends, places[i]!));
    if (messages.length > 0) return { kind: 'batch', messages };
  } catch (error) {
    throw error instanceof GatewayError ? error : parseFailure(error);
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
  if (inbound.kind === 'modern') return [inbound.message];
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

/** Whether params claim to be of the modern era. Costs nothing if they have no `_meta`, or a short one. */
export function isClaimed(params: ObjectText | undefined): boolean {
  if (params === undefined || params.memberLength('_meta') < minClaimChars) return false;
  return params.object('_meta')?.member(claimKey) !== undefined;
}

/** A message of a batch. Throws `invalid_request` if it is of the modern era, which has no batches. */
function legacyMessage(text: string, ends: Ends | undefined, element: number): Message {
  const message = clientMessage(text, ends, element);
  const hasParams = message.kind === 'request' || message.kind === 'notification';
  if (!hasParams || !isClaimed(message.params)) return message;
  throw new GatewayError(
    'invalid_request',
    'Invalid request: a request of MCP 2026-07-28 must not be in a batch',
  );
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
