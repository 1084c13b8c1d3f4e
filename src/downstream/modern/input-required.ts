import { CallFailure, GatewayError } from '../../errors.ts';
import { Members, ObjectText } from '../../json/object.ts';
import { elements } from '../../json/scan.ts';
import { missingCapability } from '../../protocol/client-capabilities.ts';
import type { Answer } from '../../protocol/exchange.ts';
import { inputRequired, isQuestionMethod, type QuestionMethod } from '../../protocol/questions.ts';
import { withoutRelatedId } from '../../router/tasks/task-texts.ts';
import { freePayload, type Payload, textOf } from '../../runtime/owned-bytes.ts';

/** The most questions in one result. */
const maxInputRequests = 100;
/** Longer methods are truncated in errors. */
const maxMethodChars = 100;

/** A question in an `input_required`; its texts are JSON. */
export interface InputQuestion {
  readonly key: string;
  readonly method: QuestionMethod;
  readonly paramsText: string;
}

/** The result that asks the client. */
export function inputRequiredAnswer(requests: readonly InputQuestion[], state: string): Answer {
  const texts = requests.map(
    ({ key, method, paramsText }) =>
      `${JSON.stringify(key)}:{"method":${JSON.stringify(method)},"params":${paramsText}}`,
  );
  const payload = `{"inputRequests":{${texts.join(',')}},"requestState":${JSON.stringify(state)}}`;
  return { kind: 'result', payload, resultType: inputRequired };
}

/** The params of a question of the legacy era, without what the modern era does not have. */
export function modernParams(method: QuestionMethod, paramsText: string): string {
  const params = new ObjectText(paramsText);
  const removed = method === 'elicitation/create' ? ['elicitationId', 'task'] : ['task'];
  const kept = new ObjectText(withoutRelatedId(new ObjectText(params.without(...removed))));
  const meta = kept.object('_meta');
  if (meta?.member('progressToken') === undefined) return kept.toString();
  return kept.with({ name: '_meta', value: meta.without('progressToken') });
}

/**
 * Reads the `input_required` of a modern upstream, and frees it. Returns the upstream's own state, as JSON or null, and a
 * function that makes the answer with another one. Throws a {@link GatewayError} if the client must not be asked so.
 */
export function readInputRequired(
  payload: Payload,
  capabilities: string,
  server: string,
): { state: string | null; withState(state: string): Answer } {
  const result = new ObjectText(textOf(payload));
  freePayload(payload);
  const state = presentMember(result, 'requestState');
  if (state !== null && !state.startsWith('"')) throw invalid(server, 'a requestState that is not a string');
  const requests = presentMember(result, 'inputRequests');
  if (requests === null && state === null) throw invalid(server, 'neither inputRequests nor a requestState');
  if (requests !== null) checkRequests(requests, capabilities, server);
  const plain = requests === null ? new ObjectText(result.without('inputRequests')) : result;
  return {
    state,
    withState: (own) => ({
      kind: 'result',
      payload: plain.with({ name: 'requestState', value: JSON.stringify(own) }),
      resultType: inputRequired,
    }),
  };
}

function presentMember(object: ObjectText, name: string): string | null {
  const text = object.member(name);
  return text === undefined || text === 'null' ? null : text;
}

function checkRequests(requests: string, capabilities: string, server: string): void {
  if (!requests.startsWith('{')) throw invalid(server, 'inputRequests that are not an object');
  let count = 0;
  const member = new Members(requests);
  while (member.next()) {
    if (++count > maxInputRequests) throw invalid(server, `more than ${maxInputRequests} inputRequests`);
    const request = member.value();
    const method = typeof request === 'string' ? undefined : request.string('method');
    if (typeof request === 'string' || method === undefined)
      throw invalid(server, 'an input request without a method');
    if (!isQuestionMethod(method))
      throw invalid(server, `an input request ${JSON.stringify(method.slice(0, maxMethodChars))}`);
    if (!request.isObjectOrAbsent('params')) throw invalid(server, 'params that are not an object');
    checkCapability(capabilities, method, request.member('params') ?? '{}');
  }
}

/** Throws `missing_client_capability` if the client has not declared what a question needs. */
export function checkCapability(capabilities: string, method: QuestionMethod, paramsText: string): void {
  const missing = missingCapability(capabilities, method, paramsText);
  if (missing !== null) throw lackingCapability(missing);
}

/** The error for a request without a capability, such as `sampling.tools`. MCP 2026-07-28, Error Codes. */
export function lackingCapability(missing: string): GatewayError {
  const [name, part] = missing.split('.') as [string, string?];
  return new GatewayError(
    'missing_client_capability',
    `the server has to ask the client, but the request does not declare the capability "${missing}"`,
    { requiredCapabilities: { [name]: part === undefined ? {} : { [part]: {} } } },
  );
}

/**
 * Reads the error of a legacy upstream that sends the client to URLs first. Throws a {@link GatewayError} if it names none.
 * MCP 2025-11-25, Elicitation, URL Elicitation Required Error.
 */
export function readUrlElicitations(payload: Payload, server: string): InputQuestion[] {
  const list = new ObjectText(textOf(payload)).object('data')?.member('elicitations');
  freePayload(payload);
  const found = list?.startsWith('[') ? (elements(list) as string[]) : [];
  if (found.length === 0 || found.length > maxInputRequests)
    throw invalid(server, 'an error -32042 without a list of elicitations');
  return found.map((text, index) => {
    const params = ObjectText.of(text);
    if (params?.string('url') === undefined || params.string('message') === undefined)
      throw invalid(server, 'an elicitation without a "url" and a "message"');
    const paramsText = params.with({ name: 'mode', value: '"url"' });
    const method = 'elicitation/create';
    return { key: `elicitation-${index + 1}`, method, paramsText: modernParams(method, paramsText) };
  });
}

function invalid(server: string, what: string): CallFailure {
  return new CallFailure(
    server,
    'upstream_protocol_error',
    `upstream "${server}": it asks for input with ${what}`,
  );
}
