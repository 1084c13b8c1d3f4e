import { Members, type ObjectText } from '../json/object.ts';
import {
  checkEnd,
  type Ends,
  isObjectAt,
  isTextAt,
  numberAt,
  skipSpace,
  skipValue,
  stringAt,
} from '../json/scan.ts';
import type { Payload } from '../runtime/owned-bytes.ts';
import type { CacheHints } from './exchange.ts';

/** The id of a request. JSON-RPC allows null, MCP does not. MCP 2025-11-25, Base Protocol, Requests. */
export type RequestId = string | number;

interface Method {
  readonly method: string;
  /** The JSON text of the method as received. */
  readonly methodText: string;
}

/** A request. JSON-RPC 2.0, section 4. */
export interface RequestMessage extends Method {
  readonly kind: 'request';
  /** The JSON text of the id, for the response. */
  readonly idText: string;
  readonly params: ObjectText | undefined;
}

/** A notification, which gets no response. JSON-RPC 2.0, section 4.1. */
export interface NotificationMessage extends Method {
  readonly kind: 'notification';
  readonly params: ObjectText | undefined;
}

/** A response: a result or an error. JSON-RPC 2.0, section 5. */
export interface ResponseMessage {
  readonly kind: 'response';
  /** Null if an error response does not name its request. */
  readonly id: RequestId | null;
  readonly error: RpcError | undefined;
  /** Whether the result has `isError: true`. MCP 2025-11-25, Tools, Error Handling. */
  readonly isError: boolean;
  /** The JSON of `result` or `error`, as bytes if it is long. */
  readonly payload: Payload;
  /** As in an `Answer`: set by sessions of the modern era, whose payloads lack these members. */
  readonly resultType?: string;
  readonly cache?: CacheHints;
  /** The offset of the payload in the message. */
  readonly start: number;
  /** The members of the result. Their offsets are those of the message; undefined: it is an error, or the payload was edited. */
  readonly result?: ObjectText | undefined;
  /** The offset in a payload of bytes that corresponds to one in the message. */
  readonly place?: (index: number) => number;
}

/** An error object. JSON-RPC 2.0, section 5.1. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** JSON that is not a JSON-RPC message. */
export interface InvalidMessage {
  readonly kind: 'invalid';
  /** The JSON text of the message's id, or `null` if it has no valid one. */
  readonly idText: string;
  /** The method, if only the params of a request are invalid. */
  readonly method?: string;
  /** The id of the request that a malformed response is for. */
  readonly answers?: RequestId;
  /** The reason, for an error message. */
  readonly problem: string;
}

/** A message of a peer. */
export type Message = RequestMessage | NotificationMessage | ResponseMessage | InvalidMessage;

/**
 * The longest JSON text of an id or a progress token. Both go back to their sender with each response and notification. A UUID
 * takes 38 characters.
 */
export const maxTokenChars = 1_024;

/** The id with this JSON text, or null if it is invalid or too long. A number may exceed the precision of a double. */
function idAt(text: string, start: number, end: number): RequestId | null {
  if (end - start > maxTokenChars) return null;
  const number = numberAt(text, start, end);
  if (number === undefined) return stringAt(text, start, end) ?? null;
  return Number.isFinite(number) ? number : null;
}

/** A string that may be one of the gateway's own ids, which are positive integers of at most 15 digits. */
const serialText = /^\s*[0-9]{1,15}\s*$/;

/**
 * The number of one of the gateway's own ids or progress tokens that a peer sent back, or undefined if it cannot be one. Some
 * peers turn numbers into strings, which both official SDKs accept.
 */
export function serialOf(id: RequestId | null | undefined): number | undefined {
  if (typeof id !== 'string') return id ?? undefined;
  return serialText.test(id) ? Number(id) : undefined;
}

/** The methods of nearly all messages, which share their objects. */
const usualMethods = ['tools/call', 'tools/list', 'ping', 'notifications/progress'].map(
  (method): Method => ({ method, methodText: JSON.stringify(method) }),
);

/** The method with this JSON text, null if it is invalid, or undefined if it is `null`. */
function methodAt(text: string, start: number, end: number): Method | null | undefined {
  for (const usual of usualMethods) if (isTextAt(text, start, end, usual.methodText)) return usual;
  const method = stringAt(text, start, end);
  if (method !== undefined) return { method, methodText: text.slice(start, end) };
  return isTextAt(text, start, end, 'null') ? undefined : null;
}

/**
 * Parses a JSON-RPC 2.0 message. Throws a SyntaxError if the text is invalid JSON.
 *
 * The text is scanned once, and only the members that the gateway needs become values. A member that is null counts as absent,
 * except for the id, because many serializers write absent members that way.
 *
 * @param ends the known ends of long values, which are not scanned again
 * @param element the offset of the message if it is an element of an array that was scanned before
 */
export function parseMessage(text: string, ends?: Ends, element?: number): Message {
  const at = element ?? skipSpace(text, 0);
  if (!isObjectAt(text, at)) {
    if (element === undefined) checkEnd(text, ends?.get(at) ?? skipValue(text, at));
    return invalid('null', 'a message must be a JSON object');
  }
  // The last of repeated keys wins, as with JSON.parse.
  let isVersion2 = false;
  let id: RequestId | null | undefined;
  let idText = 'null';
  let method: Method | null | undefined;
  let params: ObjectText | string | undefined;
  let result: ObjectText | string | undefined;
  let error: ObjectText | string | undefined;
  const member = new Members(text, at, ends);
  while (member.next()) {
    if (member.is('jsonrpc')) isVersion2 = member.isString('2.0');
    else if (member.is('id')) {
      id = idAt(text, member.start, member.end);
      idText = id === null ? 'null' : member.text();
    } else if (member.is('method')) method = methodAt(text, member.start, member.end);
    else if (member.is('params')) params = member.value();
    else if (member.is('result')) result = member.value();
    else if (member.is('error')) error = member.value();
  }
  if (element === undefined) checkEnd(text, member.end);
  // A null counts, too: the request will get no other answer.
  const isAnswer = result !== undefined || error !== undefined;
  if (params === 'null') params = undefined;
  if (result === 'null') result = undefined;
  if (error === 'null') error = undefined;

  if (method === undefined && isAnswer) {
    if (isVersion2) return response(id, idText, result, error);
    return invalidResponse(id, idText, '"jsonrpc" must be "2.0"');
  }
  if (!isVersion2) return invalid(idText, '"jsonrpc" must be "2.0"');
  if (method === undefined)
    return invalid(idText, 'a message needs a "method", or one of "result" and "error"');
  if (method === null) return invalid(idText, '"method" must be a string');
  return requestOrNotification(id, idText, method, params);
}

function requestOrNotification(
  id: RequestId | null | undefined,
  idText: string,
  { method, methodText }: Method,
  params: ObjectText | string | undefined,
): RequestMessage | NotificationMessage | InvalidMessage {
  if (id === null)
    return invalid(idText, `"id" must be a string or a number, of at most ${maxTokenChars} characters`);
  if (typeof params === 'string') {
    const message = invalid(idText, '"params" must be an object');
    return id === undefined ? message : { ...message, method };
  }
  if (id === undefined) return { kind: 'notification', method, methodText, params };
  return { kind: 'request', idText, method, methodText, params };
}

function response(
  id: RequestId | null | undefined,
  idText: string,
  result: ObjectText | string | undefined,
  error: ObjectText | string | undefined,
): ResponseMessage | InvalidMessage {
  if (error === undefined) {
    if (id === undefined || id === null) return invalid(idText, 'a response needs the "id" of its request');
    if (typeof result !== 'object') return invalidResponse(id, idText, '"result" must be an object');
    const isError = result.isText('isError', 'true');
    const { start } = result;
    return { kind: 'response', id, error: undefined, isError, payload: result.toString(), start, result };
  }
  if (result !== undefined)
    return invalidResponse(id, idText, 'a response must not have both "result" and "error"');
  // Some servers omit the id of an error instead of sending null.
  const object = typeof error === 'string' ? undefined : errorObject(error);
  if (typeof error === 'string' || object === undefined)
    return invalidResponse(id, idText, '"error" must have a "code", which is an integer, and a "message"');
  const payload = error.toString();
  return { kind: 'response', id: id ?? null, error: object, isError: false, payload, start: error.start };
}

function errorObject(error: ObjectText): RpcError | undefined {
  const code = error.number('code');
  const message = error.string('message');
  if (code === undefined || !Number.isSafeInteger(code) || message === undefined) return undefined;
  return { code, message };
}

function invalidResponse(id: RequestId | null | undefined, idText: string, problem: string): InvalidMessage {
  return typeof id === 'string' || typeof id === 'number'
    ? { ...invalid(idText, problem), answers: id }
    : invalid(idText, problem);
}

function invalid(idText: string, problem: string): InvalidMessage {
  return { kind: 'invalid', idText, problem };
}

/** A request; the arguments are JSON texts. */
export function requestText(idText: string, methodText: string, paramsText: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"method":${methodText},"params":${paramsText}}`;
}

/** A notification; `paramsText` is a JSON text. */
export function notificationText(method: string, paramsText?: string): string {
  const params = paramsText === undefined ? '' : `,"params":${paramsText}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${params}}`;
}

/** A response with a result; the arguments are JSON texts. */
export function resultText(idText: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":${result}}`;
}

/** A response with an error; the arguments are JSON texts. */
export function errorText(idText: string, error: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"error":${error}}`;
}
