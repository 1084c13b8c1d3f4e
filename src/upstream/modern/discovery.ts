import { ObjectText } from '../../json/object.ts';
import { gatewaysIn } from '../../protocol/instance.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import {
  type EraVerdict,
  LegacyServerFailure,
  verdictOnAnswer,
  verdictOnHttpFailure,
} from '../era-verdict.ts';
import { failureIn, loopFailure, UpstreamFailure } from '../failure.ts';
import type { OwnRequests } from '../requests/own-requests.ts';
import type { SessionEvents } from '../session.ts';

/** The result of `server/discover`. */
interface Discovery {
  /** The server's own name and version, fit to be shown; empty if it does not report them. */
  readonly serverInfo: string;
  /** The ids of the gateways that the session leads to: the upstream, if it is one, and those behind it. */
  readonly gateways: readonly string[];
  readonly instructions: string;
  readonly capabilities: ObjectText;
}

/** The state before `server/discover` is answered. */
export const noDiscovery: Discovery = {
  serverInfo: '',
  gateways: [],
  instructions: '',
  capabilities: new ObjectText('{}'),
};

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
): Promise<Discovery> {
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
  const gateways = gatewaysIn(result);
  if (gateways.includes(events.instance)) throw loopFailure(gateways[0] === events.instance);
  const info = result.object('_meta')?.object(reservedMeta.serverInfo);
  return {
    serverInfo: events.quote(`${info?.string('name') ?? ''} ${info?.string('version') ?? ''}`),
    gateways,
    instructions: result.string('instructions') ?? '',
    capabilities: result.object('capabilities') ?? noDiscovery.capabilities,
  };
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
    return { verdict: verdictOnHttpFailure(failure), result: noDiscovery.capabilities };
  }
}
