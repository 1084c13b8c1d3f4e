import { expect, test } from 'bun:test';
import type { Endpoint } from '../../../src/downstream/endpoint.ts';
import { McpRequest } from '../../../src/http/mcp-request.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { sendBatch } from '../../../src/runtime/send-batch.ts';

/** A POST that nothing was done with yet. */
function newPost(): McpRequest {
  const request = new Request('http://localhost/mcp', { method: 'POST' });
  return new McpRequest({} as Endpoint, request, {} as Bun.Server<undefined>, 'none', '', 1024);
}

test('with several requests in flight, an answer waits for the end of the turn, but a stream does not', async () => {
  sendBatch.requestStarted();
  sendBatch.requestStarted();
  try {
    const [answer, stream] = [newPost(), newPost()];
    const sent: string[] = [];
    void answer.response.then(() => sent.push('answer'));
    void stream.response.then(() => sent.push('stream'));
    answer.respond(new Response('{}'));
    stream.stream(new Response(': keep-alive\n\n'));
    await Promise.resolve();
    expect(sent).toEqual(['stream']);
    await nextTurn();
    await nextTurn();
    expect(sent).toEqual(['stream', 'answer']);
  } finally {
    sendBatch.requestEnded();
    sendBatch.requestEnded();
  }
});
