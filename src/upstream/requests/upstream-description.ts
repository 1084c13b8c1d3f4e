import { ObjectText } from '../../json/object.ts';
import { gatewaysIn } from '../../protocol/instance.ts';
import { loopFailure } from '../failure.ts';
import type { SessionEvents } from '../session.ts';

/** What a server says of itself when a session is opened. */
export interface UpstreamDescription {
  /** The server's own name and version, fit to be shown; empty if it does not report them. */
  readonly serverInfo: string;
  /** The ids of the gateways that the session leads to: the upstream, if it is one, and those behind it. */
  readonly gateways: readonly string[];
  readonly instructions: string;
  readonly capabilities: ObjectText;
}

/** The description of a server that has not answered yet. */
export const noDescription: UpstreamDescription = {
  serverInfo: '',
  gateways: [],
  instructions: '',
  capabilities: new ObjectText('{}'),
};

/**
 * The description in the result of `initialize` or `server/discover`. Throws an `UpstreamFailure` if the server leads back to this
 * gateway.
 * @param info the name and version of the server, where its era has them
 */
export function descriptionIn(
  result: ObjectText,
  info: ObjectText | undefined,
  events: Pick<SessionEvents, 'instance' | 'quote'>,
): UpstreamDescription {
  const gateways = gatewaysIn(result);
  if (gateways.includes(events.instance)) throw loopFailure(gateways[0] === events.instance);
  return {
    serverInfo: events.quote(`${info?.string('name') ?? ''} ${info?.string('version') ?? ''}`),
    gateways,
    instructions: result.string('instructions') ?? '',
    capabilities: result.object('capabilities') ?? noDescription.capabilities,
  };
}
