import { expect, test } from 'bun:test';
import { mediaType, parseAccept } from '../../../src/protocol/headers.ts';

test.each([
  [null, 'json'],
  ['', 'json'],
  ['*/*', 'json'],
  ['application/*', 'json'],
  ['application/json', 'json'],
  ['Application/JSON; charset=utf-8', 'json'],
  ['text/event-stream', 'sse'],
  ['TEXT/Event-Stream', 'sse'],
  ['text/*', 'sse'],
  ['application/json, text/event-stream', 'json and sse'],
  ['text/event-stream,application/json', 'json and sse'],
  [' text/event-stream ; q=0.5 ,\t*/* ; q=0.1', 'json and sse'],
  ['application/json;q=0, text/event-stream', 'sse'],
  ['application/json, text/event-stream; q=0.000', 'json'],
  ['application/json;q=0.001', 'json'],
  ['text/html', ''],
  ['application/json;q=0', ''],
  ['application/jsonp, text/event-streams', ''],
  [',;,', ''],
])('the Accept header %p accepts: %s', (header, expected) => {
  const { json, sse } = parseAccept(header);
  expect([json ? 'json' : '', sse ? 'sse' : ''].filter(Boolean).join(' and ')).toBe(expected);
});

test.each([
  [null, ''],
  ['application/json', 'application/json'],
  ['APPLICATION/JSON ;charset="utf-8"', 'application/json'],
  [' text/plain', 'text/plain'],
])('the Content-Type header %p has the media type %p', (header, expected) => {
  expect(mediaType(header)).toBe(expected);
});
