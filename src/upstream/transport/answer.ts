import { type HttpResponse, maxResponseBytes } from '../../http-client/response.ts';
import { maxShortChars } from '../../json/long-values.ts';
import { mediaType, sseType } from '../../protocol/headers.ts';
import type { Message, ResponseMessage } from '../../protocol/messages.ts';
import { SseParser } from '../../protocol/sse-codec.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload, type Payload, textOf } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import { AnswerStream, isAnswerOnStream, isAnswerTo, type StreamOwner } from './answer-stream.ts';
import { freeMessages, parseBody, parseEvent } from './parse-messages.ts';

/** How much white space may precede the content of a whole body. */
const maxBlankChars = 1_024;
/** The same for a body that comes in chunks. */
const maxBlankBytes = 64 * 1024;

/**
 * Reads the answer to the request `id` in the successful response to its POST: JSON, or a stream of events, whose other messages
 * go to the owner's events. The content type may be wrong, so the content decides. Throws, or rejects with, an
 * {@link UpstreamFailure} or the signal's reason.
 */
export function readAnswer(
  owner: StreamOwner,
  response: HttpResponse,
  id: number,
  signal: Signal,
): ResponseMessage | Promise<ResponseMessage> {
  const isStream = mediaType(response.contentType) === sseType;
  if (isStream || response.contentLength === null)
    return answerInChunks(owner, response, isStream, id, signal);
  const body = response.whole();
  return body instanceof Promise
    ? body.then((whole) => answerInWhole(owner, whole, id, signal))
    : answerInWhole(owner, body, id, signal);
}

/**
 * The answer among the messages of a body.
 * @param isNullValid whether an error without an id counts if it is the only message: its sender could not read the id
 */
export function answerAmong(
  messages: readonly Message[],
  id: number,
  isNullValid: boolean,
): ResponseMessage | undefined {
  for (const message of messages) if (isAnswerTo(message, id)) return message as ResponseMessage;
  const [single] = messages;
  if (!isNullValid || messages.length !== 1 || single?.kind !== 'response') return undefined;
  return single.id === null ? single : undefined;
}

function answerInWhole(
  owner: StreamOwner,
  body: Payload,
  id: number,
  signal: Signal,
): ResponseMessage | Promise<ResponseMessage> {
  const beginning = typeof body === 'string' ? body : body.part(0, maxBlankChars).toString();
  if (isJsonLike(beginning)) return answerInJson(owner, body, id);
  const text = textOf(body);
  freePayload(body);
  if (!isEventLike(beginning)) throw unknownFormat();
  return new AnswerStream(owner, id, signal).follow(new SseParser(maxResponseBytes), text, null);
}

/** @param isStream whether the response says that it is a stream of events */
async function answerInChunks(
  owner: StreamOwner,
  response: HttpResponse,
  isStream: boolean,
  id: number,
  signal: Signal,
): Promise<ResponseMessage> {
  const head: Uint8Array[] = [];
  const parser = new SseParser(maxResponseBytes);
  let text = '';
  let beginning = '';
  let blankBytes = 0;
  while (beginning === '') {
    // Blanks complete no event.
    parser.pushText(text);
    const chunk = await response.read();
    if (chunk === null) throw new UpstreamFailure('protocol', 'answered with an empty body');
    if (blankBytes > maxBlankBytes) {
      response.cancel();
      throw new UpstreamFailure('protocol', 'answered with blanks');
    }
    head.push(chunk);
    text = parser.decode(chunk);
    beginning = text.trimStart();
    blankBytes += chunk.byteLength;
  }
  if (isJsonLike(beginning)) return answerInJson(owner, await response.whole(head), id);
  if (!isStream && !isEventLike(beginning)) {
    response.cancel();
    throw unknownFormat();
  }
  // Most servers send one event, and end the stream (docs/performance.md#sole-event).
  if (response.isOver && head.length === 1) {
    const answer = answerInEvent(owner, text, id);
    if (answer) return answer;
  }
  return new AnswerStream(owner, id, signal).follow(parser, text, response);
}

function answerInJson(
  owner: StreamOwner,
  body: Payload,
  id: number,
): ResponseMessage | Promise<ResponseMessage> {
  const messages = parseBody(body);
  return messages instanceof Promise
    ? messages.then((parsed) => answerInMessages(owner, parsed, id))
    : answerInMessages(owner, messages, id);
}

function answerInMessages(owner: StreamOwner, messages: readonly Message[], id: number): ResponseMessage {
  const answer = answerAmong(messages, id, true);
  for (const message of messages) if (message !== answer) void owner.events.onMessage(message, id);
  if (answer) return answer;
  const odd = messages.find((message) => message.kind === 'invalid');
  const found = odd
    ? `something that is not JSON-RPC: ${odd.problem}`
    : 'a body that does not answer the request';
  throw new UpstreamFailure('protocol', `answered with ${found}`);
}

/** The answer in the text of a stream that holds nothing else and is short. */
function answerInEvent(owner: StreamOwner, text: string, id: number): ResponseMessage | undefined {
  if (text.length > maxShortChars) return undefined;
  const [event, ...more] = new SseParser(maxResponseBytes).pushText(text);
  if (event === undefined || more.length > 0) return undefined;
  const messages = parseEvent(event, owner.isAnyEventName()) as readonly Message[];
  const [message] = messages;
  if (message && messages.length === 1 && isAnswerOnStream(message, id)) return message as ResponseMessage;
  freeMessages(messages);
  return undefined;
}

function isJsonLike(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

/** Whether a text, which may be cut off, begins as server-sent events do. */
function isEventLike(text: string): boolean {
  return /^\s*(?::|(?:data|event|id|retry)\b|[deir]\w{0,4}$)/.test(text);
}

/** The failure of an HTML page, say, which should not be called a stream that ended. */
function unknownFormat(): UpstreamFailure {
  return new UpstreamFailure(
    'protocol',
    'answered with something that is neither JSON nor server-sent events',
  );
}
