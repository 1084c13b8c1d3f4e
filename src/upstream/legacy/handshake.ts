import { ObjectText } from '../../json/object.ts';
import { gatewaysIn } from '../../protocol/instance.ts';
import { isLegacyVersion, latestLegacyVersion, legacyVersions } from '../../protocol/versions.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { build } from '../../version.ts';
import { loopFailure, UpstreamFailure } from '../failure.ts';
import type { OwnRequests } from '../requests/own-requests.ts';
import type { SessionEvents } from '../session.ts';

/** The result of `initialize`. */
interface Handshake {
  readonly protocolVersion: string;
  /** The server's own name and version, fit to be shown; empty if it does not report them. */
  readonly serverInfo: string;
  /** The ids of the gateways that the session leads to: the upstream, if it is one, and those behind it. */
  readonly gateways: readonly string[];
  readonly instructions: string;
  /** The capabilities that the server declares, by their names. */
  readonly capabilities: ObjectText;
}

/** The handshake before `initialize` is answered. */
export const noHandshake: Handshake = {
  protocolVersion: '',
  serverInfo: '',
  gateways: [],
  instructions: '',
  capabilities: new ObjectText('{}'),
};

/** Sends `initialize`. MCP 2025-11-25, Lifecycle. Rejects with an {@link UpstreamFailure}, or the signal's reason. */
export async function initialize(
  requests: OwnRequests,
  events: Pick<SessionEvents, 'instance' | 'quote'>,
  signal: Signal,
): Promise<Handshake> {
  const params = JSON.stringify({
    protocolVersion: latestLegacyVersion,
    capabilities: {},
    clientInfo: { name: 'mcpstead', version: build.version },
  });
  const answer = await requests.askOnce('initialize', params, Number.POSITIVE_INFINITY, signal);
  const result = new ObjectText(textOf(answer.payload));
  freePayload(answer.payload);
  if (answer.error) throw requests.refusal('to initialize', answer.error);
  const gateways = gatewaysIn(result);
  if (gateways.includes(events.instance)) throw loopFailure(gateways[0] === events.instance);
  const protocolVersion = result.string('protocolVersion');
  if (!isLegacyVersion(protocolVersion)) {
    const found =
      protocolVersion === undefined
        ? 'no protocol version'
        : `the unknown protocol version ${events.quote(protocolVersion)}`;
    throw new UpstreamFailure('protocol', `speaks ${found}; known are ${legacyVersions.join(', ')}`);
  }
  const info = result.object('serverInfo');
  return {
    protocolVersion,
    serverInfo: events.quote(`${info?.string('name') ?? ''} ${info?.string('version') ?? ''}`),
    gateways,
    instructions: result.string('instructions') ?? '',
    capabilities: result.object('capabilities') ?? noHandshake.capabilities,
  };
}
