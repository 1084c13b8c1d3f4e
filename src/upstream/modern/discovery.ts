import { ObjectText } from '../../json/object.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import {
  type EraVerdict,
  LegacyServerFailure,
  verdictOnAnswer,
  verdictOnHttpFailure,
} from '../era-verdict.ts';
import { failureIn, UpstreamFailure } from '../failure.ts';
import type { OwnRequests } from '../requests/own-requests.ts';
import { descriptionIn, noDescription, type UpstreamDescription } from '../requests/upstream-description.ts';
import type { SessionEvents } from '../session.ts';

/** The writer of requests, which names the revision. */
interface VersionedForm {
  version: string;
}

/**
 * Sends `server/discover`, and finds the revision that both sides speak. MCP 2026-07-28, Discovery. Rejects with a
 * {@link LegacyServerFailure}, another {@link UpstreamFailure} or the signal's reason.
 */
export async function discover(
  requests: OwnRequests,
  form: VersionedForm,
  events: Pick<SessionEvents, 'instance' | 'quote'>,
  signal: Signal,
): Promise<UpstreamDescription> {
  let { verdict, result } = await ask(requests, events, signal);
  if (verdict.era === 'modern' && !verdict.isAgreed) {
    form.version = verdict.version;
    ({ verdict, result } = await ask(requests, events, signal));
  }
  if (verdict.era === 'legacy') throw new LegacyServerFailure(verdict.found);
  if (verdict.era === 'unknown') throw verdict.failure;
  if (!verdict.isAgreed)
    throw new UpstreamFailure('protocol', `refuses revision ${form.version}, which it says it speaks`);
  form.version = verdict.version;
  return descriptionIn(result, result.object('_meta')?.object(reservedMeta.serverInfo), events);
}

async function ask(
  requests: OwnRequests,
  events: Pick<SessionEvents, 'quote'>,
  signal: Signal,
): Promise<{ verdict: EraVerdict; result: ObjectText }> {
  try {
    const answer = await requests.askOnce('server/discover', '{}', Number.POSITIVE_INFINITY, signal);
    const result = new ObjectText(textOf(answer.payload));
    freePayload(answer.payload);
    return { verdict: verdictOnAnswer(answer.error, result, (text) => events.quote(text)), result };
  } catch (error) {
    const failure = failureIn(error);
    if (signal.aborted || failure === null) throw error;
    return { verdict: verdictOnHttpFailure(failure), result: noDescription.capabilities };
  }
}
