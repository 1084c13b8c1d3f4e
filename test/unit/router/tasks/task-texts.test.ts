import { expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import {
  listedTasks,
  mayHaveRelatedId,
  tellsOfError,
  withCreatedId,
  withoutRelatedId,
  withRelatedId,
  withTaskId,
} from '../../../../src/router/tasks/task-texts.ts';

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
