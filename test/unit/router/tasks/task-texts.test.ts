import { expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { parseMessage, type ResponseMessage } from '../../../../src/protocol/messages.ts';
import {
  listedTasks,
  mayHaveRelatedId,
  tellsOfError,
  withCreatedId,
  withoutRelatedId,
  withoutRelatedTask,
  withRelatedId,
  withTaskId,
} from '../../../../src/router/tasks/task-texts.ts';
import { OwnedBytes, textOf } from '../../../../src/runtime/owned-bytes.ts';
import { parseBody } from '../../../../src/upstream/transport/parse-messages.ts';

const key = 'io.modelcontextprotocol/related-task';
const upper = (id: string) => (id === 'kept' ? null : id.toUpperCase());
const object = (text: string) => new ObjectText(text);

test.each([
  [withTaskId, '{"taskId":"a","n":1.0}', '{"taskId":"A","n":1.0}'],
  [withTaskId, '{"taskId":"kept"}', '{"taskId":"kept"}'],
  [withTaskId, '{"taskId":1}', '{"taskId":1}'],
  [withCreatedId, '{"task":{"taskId":"a"},"taskId":"a"}', '{"task":{"taskId":"A"},"taskId":"a"}'],
  [withCreatedId, '{"task":"a"}', '{"task":"a"}'],
  [withRelatedId, `{"_meta":{"x":1,"${key}":{"taskId":"a"}}}`, `{"_meta":{"x":1,"${key}":{"taskId":"A"}}}`],
  [withRelatedId, '{"_meta":{"x":1}}', '{"_meta":{"x":1}}'],
  [withRelatedId, '{"taskId":"a"}', '{"taskId":"a"}'],
])('%p changes the id in %p only where it belongs', (change, text, changed) => {
  expect(change(object(text), upper)).toBe(changed);
});

test.each([
  [`{"content":[],"_meta":{"${key}":{"taskId":"a"}}}`, '{"content":[]}'],
  [`{"_meta":{"x":1,"${key}":{"taskId":"a"}}}`, '{"_meta":{"x":1}}'],
  ['{"_meta":{"x":1}}', '{"_meta":{"x":1}}'],
])('%p loses the id of its task', (text, rest) => {
  expect(withoutRelatedId(object(text))).toBe(rest);
});

const long = 'é'.repeat(100_000);
const content = `"content":[{"type":"text","text":"${long}"}]`;
test.each([
  [`{${content},"_meta":{"${key}":{"taskId":"a"}}}`, `{${content}}`],
  [`{"_meta":{"${key}":{"taskId":"a"}},${content}}`, `{${content}}`],
  [`{"_meta":{"${key}":{"taskId":"a"},"x":1},${content}}`, `{"_meta":{"x":1},${content}}`],
  [`{"_meta":{"x":1},${content}}`, `{"_meta":{"x":1},${content}}`],
  [`{${content}}`, `{${content}}`],
])('a response loses the id of its task, as text and as long bytes: case %#', async (text, rest) => {
  const message = `{"jsonrpc":"2.0","id":1,"result":${text}}`;
  const ofText = withoutRelatedTask(parseMessage(message) as ResponseMessage);
  expect(ofText.payload).toBe(rest);
  const [parsed] = await parseBody(new OwnedBytes(new TextEncoder().encode(message)));
  const ofBytes = withoutRelatedTask(parsed as ResponseMessage);
  expect(ofBytes.payload).toBeInstanceOf(OwnedBytes);
  expect(JSON.parse(textOf(ofBytes.payload))).toEqual(JSON.parse(rest));
});

test('a list of tasks has their texts', () => {
  expect(listedTasks(object('{"tasks":[{"taskId":"a"}, {}]}'))).toEqual(['{"taskId":"a"}', '{}']);
  expect(listedTasks(object('{"tasks":null}'))).toEqual([]);
  expect(listedTasks(object('{}'))).toEqual([]);
});

test.each([
  ['{"status":"failed","error":{}}', true],
  ['{"status":"completed","result":{"isError":true}}', true],
  ['{"status":"completed","result":{"isError":false,"content":[{"text":"failed"}]}}', false],
  ['{"status":"completed","result":"failed"}', false],
  ['{"status":"working","statusMessage":"failed"}', false],
])('%p tells of an error: %p', (text, tells) => {
  expect(tellsOfError(object(text))).toBe(tells);
});

test('a text that names no task is not parsed', () => {
  expect(mayHaveRelatedId(`{"_meta":{"${key}":{}}}`)).toBe(true);
  expect(mayHaveRelatedId('{"_meta":{}}')).toBe(false);
});
