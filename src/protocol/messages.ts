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

/** A JSON-RPC request id. JSON-RPC allows null, MCP does not (2025-11-25, Base Protocol, Requests). */
export type RequestId = string | number;

/** A request or notification. */
interface MethodMessage {
  readonly method: string;
  /** The JSON text of the method, as it came. */
  readonly methodText: string;
  readonly params: ObjectText | undefined;
}

/** A message that wants an answer. */
export interface RequestMessage extends MethodMessage {
  readonly kind: 'request';
  /** The JSON text of the id, for the answer. */
  readonly idText: string;
}

/** A message that gets no answer. */
export interface NotificationMessage extends MethodMessage {
  readonly kind: 'notification';
}

/** The answer to a request: a result, or an error, each with its JSON text. */
export interface ResponseMessage {
  readonly kind: 'response';
  /** Null where an error could not be tied to a request. */
  readonly id: RequestId | null;
  readonly error: RpcError | undefined;
  /** Whether the result says of itself that it is an error. MCP 2025-11-25, Tools, Error Handling. */
  readonly isError: boolean;
  /** The JSON of `result` or of `error`; long JSON is bytes. */
  readonly payload: Payload;
  /** Its offset in the text of the message. */
  readonly start: number;
}

/** JSON-RPC 2.0 section 5.1. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** JSON that is no JSON-RPC message; `idText` is that of the message where it could be read, else `null`. */
export interface InvalidMessage {
  readonly kind: 'invalid';
  readonly idText: string;
  /** Set where only the params of a request are wrong. */
  readonly method?: string;
  /** The id of the request that it would answer, were it a proper response. */
  readonly answers?: RequestId;
  /** What is wrong, for the error's message. */
  readonly problem: string;
}

/** Whatever a peer may send, classified. */
export type Message = RequestMessage | NotificationMessage | ResponseMessage | InvalidMessage;

/**
 * The longest JSON text of an id or a progress token: both go back to their sender, with each answer and each notification.
 * A UUID has 38.
 */
export const maxTokenChars = 1_024;

/**
 * The id whose JSON text stands there, or null where it can be none, or is too long. A number need not be what a double
 * holds exactly.
 */
function idAt(text: string, start: number, end: number): RequestId | null {
  if (end - start > maxTokenChars) return null;
  const number = numberAt(text, start, end);
  if (number === undefined) return stringAt(text, start, end) ?? null;
  return Number.isFinite(number) ? number : null;
}

/** As many digits as a number of ours has at most. */
const serialText = /^\s*[0-9]{1,15}\s*$/;

/**
 * The number that an id or a token of ours is, in whichever way its peer gave it back: some make text of it, and both SDKs
 * take that. Undefined where it can be none of ours.
 */
export function serialOf(id: RequestId | null | undefined): number | undefined {
  if (typeof id !== 'string') return id ?? undefined;
  return serialText.test(id) ? Number(id) : undefined;
}

/** A method, and its JSON text. */
interface Method {
  readonly name: string;
  readonly text: string;
}

/** Those of nearly all messages: they need not be made anew each time. */
const usualMethods = ['tools/call', 'tools/list', 'ping', 'notifications/progress'].map(
  (name): Method => ({ name, text: JSON.stringify(name) }),
);

/** The method whose JSON text stands there, null where it can be none, or undefined where it is null. */
function methodAt(text: string, start: number, end: number): Method | null | undefined {
  for (const usual of usualMethods) if (isTextAt(text, start, end, usual.text)) return usual;
  const name = stringAt(text, start, end);
  if (name !== undefined) return { name, text: text.slice(start, end) };
  return isTextAt(text, start, end, 'null') ? undefined : null;
}

/**
 * The message in the text, in terms of JSON-RPC 2.0. Throws a SyntaxError where the text is no JSON.
 *
 * The text is gone through once, and of its members none becomes more than it has to. A member that is null is none,
 * but for the id: many serializers write what is absent that way.
 *
 * @param ends where long values end, where that is known: they are not gone through then
 * @param element where the message begins, where it is an element of an array that was gone through
 */
export function parseMessage(text: string, ends?: Ends, element?: number): Message {
  const at = element ?? skipSpace(text, 0);
  if (!isObjectAt(text, at)) {
    if (element === undefined) checkEnd(text, ends?.get(at) ?? skipValue(text, at));
    return invalid('null', 'a message must be a JSON object');
  }
  // Of a repeated key the last counts, as it does for JSON.parse.
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
  if (params === 'null') params = undefined;
  if (result === 'null') result = undefined;
  if (error === 'null') error = undefined;

  if (method === undefined && (result !== undefined || error !== undefined)) {
    if (isVersion2) return response(id, idText, result, error);
    return invalidResponse(id, idText, '"jsonrpc" must be "2.0"');
  }
  if (!isVersion2) return invalid(idText, '"jsonrpc" must be "2.0"');
  if (method !== undefined) {
    if (method === null) return invalid(idText, '"method" must be a string');
    if (id === null)
      return invalid(idText, `"id" must be a string or a number, of at most ${maxTokenChars} characters`);
    if (typeof params === 'string') {
      const problem = '"params" must be an object';
      return id === undefined
        ? invalid(idText, problem)
        : { ...invalid(idText, problem), method: method.name };
    }
    const { name, text: methodText } = method;
    if (id === undefined) return { kind: 'notification', method: name, methodText, params };
    return { kind: 'request', idText, method: name, methodText, params };
  }
  return invalid(idText, 'a message needs a "method", or one of "result" and "error"');
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
    return { kind: 'response', id, error: undefined, isError, payload: result.toString(), start };
  }
  if (result !== undefined)
    return invalidResponse(id, idText, 'a response must not have both "result" and "error"');
  // Some servers leave the id of an error out instead of sending null.
  const answer = typeof error === 'string' ? undefined : errorResponse(error, id ?? null);
  return (
    answer ?? invalidResponse(id, idText, '"error" must have a "code", which is an integer, and a "message"')
  );
}

function errorResponse(error: ObjectText, id: RequestId | null): ResponseMessage | undefined {
  const code = error.number('code');
  const message = error.string('message');
  if (!Number.isSafeInteger(code) || message === undefined) return undefined;
  return {
    kind: 'response',
    id,
    error: { code: code as number, message },
    isError: false,
    payload: error.toString(),
    start: error.start,
  };
}

function invalidResponse(id: RequestId | null | undefined, idText: string, problem: string): InvalidMessage {
  return typeof id === 'string' || typeof id === 'number'
    ? { ...invalid(idText, problem), answers: id }
    : invalid(idText, problem);
}

function invalid(idText: string, problem: string): InvalidMessage {
  return { kind: 'invalid', idText, problem };
}

/** The text of a request, of JSON texts. */
export function requestText(idText: string, methodText: string, paramsText: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"method":${methodText},"params":${paramsText}}`;
}

/** The text of a notification; `paramsText` is a JSON text. */
export function notificationText(method: string, paramsText?: string): string {
  const params = paramsText === undefined ? '' : `,"params":${paramsText}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${params}}`;
}

/** The text of an answer with a result; both are JSON texts. */
export function resultText(idText: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":${result}}`;
}

/** The text of an error answer; `error` is the JSON text of the error object. */
export function errorText(idText: string, error: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"error":${error}}`;
}
