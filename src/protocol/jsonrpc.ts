import { Members } from './json-text.ts';
import type { OwnBytes } from './own-bytes.ts';

/** A JSON-RPC request id. JSON-RPC allows null, MCP does not (2025-11-25, Base Protocol, Requests). */
export type RequestId = string | number;

/** What JSON.parse makes of a JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A request or notification, parsed once; `paramsText` is the very text of its params. */
interface MethodMessage {
  readonly method: string;
  readonly params: JsonObject | undefined;
  readonly paramsText: string | undefined;
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
  readonly result: JsonObject | undefined;
  readonly error: RpcError | undefined;
  /** Whether the result says of itself that it is an error. MCP 2025-11-25, Tools, Error Handling. */
  readonly isError: boolean;
  /** The text of `result` or of `error`. */
  readonly text: string;
  /** Where it stands in the text of the whole message. */
  readonly start: number;
  /** The same in UTF-8, where it came so and is long. */
  readonly bytes?: OwnBytes;
}

/** JSON-RPC 2.0 section 5.1. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** JSON that is no JSON-RPC message; `idText` is that of the message where it could be read, else `null`. */
export interface InvalidMessage {
  readonly kind: 'invalid';
  readonly idText: string;
  /** Set where only the params of a request are wrong. */
  readonly method?: string;
  /** What is wrong, for the error's message. */
  readonly problem: string;
}

/** Whatever a peer may send, classified. */
export type Message = RequestMessage | NotificationMessage | ResponseMessage | InvalidMessage;

/** Whether a parsed JSON value is an object: neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}

function isRpcError(value: unknown): value is RpcError {
  return isObject(value) && typeof value.code === 'number' && typeof value.message === 'string';
}

/**
 * Says what a JSON value is in terms of JSON-RPC 2.0.
 *
 * @param value what JSON.parse made of `text`
 * @param text the value's own text, from which params, results and errors are cut
 */
export function classify(value: unknown, text: string): Message {
  if (!isObject(value)) return invalid('null', 'a message must be a JSON object');
  // Of a repeated key the last counts, as it did for JSON.parse.
  let givenId = '';
  let paramsText: string | undefined;
  let outcomeText = '';
  let start = 0;
  for (const member = new Members(text); member.next(); ) {
    if (member.is('id')) givenId = member.text();
    else if (member.is('params')) paramsText = member.text();
    else if (member.is('result') || member.is('error')) {
      outcomeText = member.text();
      start = member.start;
    }
  }

  const { id, method, params } = value;
  const idText = isId(id) ? givenId : 'null';
  if (value.jsonrpc !== '2.0') return invalid(idText, '"jsonrpc" must be "2.0"');
  if (method !== undefined) {
    if (typeof method !== 'string') return invalid(idText, '"method" must be a string');
    if (id !== undefined && !isId(id)) return invalid(idText, '"id" must be a string or a number');
    if (params !== undefined && !isObject(params)) {
      const problem = '"params" must be an object';
      return id === undefined ? invalid(idText, problem) : { ...invalid(idText, problem), method };
    }
    if (id === undefined) return { kind: 'notification', method, params, paramsText };
    return { kind: 'request', idText, method, params, paramsText };
  }
  const { result, error } = value;
  if (result !== undefined && error === undefined) {
    if (!isId(id)) return invalid(idText, 'a response needs the "id" of its request');
    if (!isObject(result)) return invalid(idText, '"result" must be an object');
    const isError = result.isError === true;
    return { kind: 'response', id, result, error: undefined, isError, text: outcomeText, start };
  }
  if (error !== undefined && result === undefined) {
    if (!isRpcError(error)) return invalid(idText, '"error" must have a numeric "code" and a "message"');
    // Some servers leave the id of an error out instead of sending null.
    return {
      kind: 'response',
      id: isId(id) ? id : null,
      result: undefined,
      error,
      isError: false,
      text: outcomeText,
      start,
    };
  }
  return invalid(idText, 'a message needs a "method", or one of "result" and "error"');
}

function invalid(idText: string, problem: string): InvalidMessage {
  return { kind: 'invalid', idText, problem };
}

/** The text of a request; `idText` and `paramsText` are JSON texts. */
export function requestText(idText: string | number, method: string, paramsText?: string): string {
  const params = paramsText === undefined ? '' : `,"params":${paramsText}`;
  return `{"jsonrpc":"2.0","id":${idText},"method":${JSON.stringify(method)}${params}}`;
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
