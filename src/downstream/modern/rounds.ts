import { GatewayError } from '../../errors.ts';
import type { Answer } from '../../protocol/exchange.ts';
import { type Question, type QuestionAnswer, refusedQuestion } from '../../protocol/questions.ts';
import type { Completion } from '../../runtime/completion.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import type { ModernCall, RoundTrips } from './modern-call.ts';

/** Refuses all that takes more than one request. */
export class Rounds implements RoundTrips {
  resume(): void {
    throw new GatewayError('invalid_params', 'Invalid params: the requestState is not one of this gateway');
  }

  ask(_call: ModernCall, { method }: Question, done: Completion<QuestionAnswer>): void {
    done.resolve(refusedQuestion(method, 'the client cannot be asked'));
  }

  seal(call: ModernCall, { payload }: Answer): void {
    freePayload(payload);
    call.fail(new GatewayError('internal', 'the upstream needs input of the client, which cannot be asked'));
  }
}
