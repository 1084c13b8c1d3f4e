import { expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { sessionlessCaller } from '../../../../src/protocol/caller.ts';
import type { Exchange } from '../../../../src/protocol/exchange.ts';
import type { ResponseMessage } from '../../../../src/protocol/messages.ts';
import { callAsTask } from '../../../../src/router/tasks/required-task.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import type { Completion } from '../../../../src/runtime/completion.ts';
import { OwnedBytes } from '../../../../src/runtime/owned-bytes.ts';
import { UpstreamFailure } from '../../../../src/upstream/failure.ts';
import type { UpstreamCall } from '../../../../src/upstream/pending-request.ts';
import { parseBody } from '../../../../src/upstream/transport/parse-messages.ts';
import type { Upstream } from '../../../../src/upstream/upstream.ts';

const long = 'x'.repeat(200_000);
const many = Array.from({ length: 10_001 }, (_, n) => `"k${n}":${n}`).join(',');
const made = '{"task":{"taskId":"t","status":"working"}}';

test.each([
  ['a made task', `{"long":"${long}","task":{${many}}}`, '{}', ['tools/call']],
  ['a result', made, `{"long":"${long}","_meta":{${many}}}`, ['tools/call', 'tasks/result', 'tasks/cancel']],
])(
  '%s with too many members is freed, and is the failure of its server',
  async (_what, first, second, methods) => {
    const results = [first, second, '{}'];
    const asked: string[] = [];
    const answers: ResponseMessage[] = [];
    const upstream = {
      async call(
        { methodText }: UpstreamCall,
        _target: null,
        _isRepeatable: boolean,
        done: Completion<ResponseMessage>,
      ) {
        const message = `{"jsonrpc":"2.0","id":1,"result":${results[asked.push(JSON.parse(methodText)) - 1]}}`;
        const [answer] = await parseBody(new OwnedBytes(new TextEncoder().encode(message)));
        answers.push(answer as ResponseMessage);
        done.resolve(answer as ResponseMessage);
      },
    } as unknown as Upstream;
    const caller = { ...sessionlessCaller('none', ''), era: 'modern' as const };
    const exchange = { params: new ObjectText('{"name":"a"}'), caller, signal: new Abort(), ask() {} };
    const target = { name: 'name', value: '"a"' };
    const failure = await callAsTask(upstream, exchange as unknown as Exchange, target).catch(
      (error) => error,
    );
    expect(failure).toBeInstanceOf(UpstreamFailure);
    expect(failure.kind).toBe('protocol');
    expect(failure.message).toContain('members in an object');
    expect(asked).toEqual(methods);
    const { payload } = answers.find(({ payload }) => payload instanceof OwnedBytes)!;
    expect((payload as OwnedBytes).bytes.length).toBe(0);
  },
);
