import { ObjectText } from '../../json/object.ts';
import type { InvalidMessage, NotificationMessage, ResponseMessage } from '../../protocol/messages.ts';
import { textOf } from '../../runtime/owned-bytes.ts';
import type { Session } from './session.ts';

/** Notifications of clients that are for the gateway; progress would be that of a question, which has none. */
const ownNotifications = ['notifications/initialized', 'notifications/progress'];
/** The error code of a client whose user rejects a request. MCP 2025-11-25, Sampling, Error Handling. */
const userRejected = -1;

/** Passes a client's response on. Returns whether it answers an open question. */
export function takeResponse({ id, error, payload }: ResponseMessage, session: Session | undefined): boolean {
  if (!session?.hasQuestions) return false;
  const text = textOf(payload);
  if (error) {
    const result = error.code === userRejected ? 'declined' : 'refused';
    return session.questions.answer(id, { kind: 'error', text }, result);
  }
  const action = new ObjectText(text).string('action');
  const result = action === 'decline' || action === 'cancel' ? 'declined' : 'answered';
  return session.questions.answer(id, { kind: 'result', text }, result);
}

/** Fails the question that a client answers with something that is no valid response. */
export function takeInvalid({ answers, problem }: InvalidMessage, session: Session | undefined): void {
  if (answers === undefined || !session?.hasQuestions) return;
  const text = JSON.stringify({ code: -32603, message: `the client sent an invalid response: ${problem}` });
  session.questions.answer(answers, { kind: 'error', text }, 'refused');
}

/** Applies a client's notification. Returns whether it concerns the session only, and no upstream. */
export function applyNotification(
  { method, params }: NotificationMessage,
  session: Session | undefined,
): boolean {
  if (method !== 'notifications/cancelled') return ownNotifications.includes(method);
  // The text of the id, because it may be a number that no double holds exactly.
  const idText = params?.member('requestId');
  if (idText !== undefined) session?.cancel(idText);
  return true;
}
