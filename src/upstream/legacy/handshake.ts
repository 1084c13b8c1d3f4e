import { ObjectText } from '../../json/object.ts';
import { isLegacyVersion, latestLegacyVersion, legacyVersions } from '../../protocol/versions.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import { introduction } from '../requests/introduction.ts';
import type { OwnRequests } from '../requests/own-requests.ts';
import { descriptionIn, type UpstreamDescription } from '../requests/upstream-description.ts';
import type { SessionEvents } from '../session.ts';

/** The result of `initialize`. */
interface Handshake {
  readonly protocolVersion: string;
  readonly server: UpstreamDescription;
}

/**
 * The capabilities of the gateway in a session that many clients share: all that one of them might have. What the client of a call
 * lacks is refused when the server asks for it.
 */
const sharedCapabilities = JSON.stringify({
  elicitation: { form: {}, url: {} },
  sampling: { context: {}, tools: {} },
  roots: { listChanged: true },
});
/** The codes of errors that may mean that the server does not understand the params, and the gateway's could be plainer. */
const invalidCodes = [-32600, -32602, -32603, -32700];

/**
 * Sends `initialize`. MCP 2025-11-25, Lifecycle. If the server refuses it as invalid, it is sent once more with capabilities
 * without settings, which some servers do not know. Rejects with an {@link UpstreamFailure}, or the signal's reason.
 */
export async function initialize(
  requests: OwnRequests,
  events: Pick<SessionEvents, 'client' | 'instance' | 'quote'>,
  signal: Signal,
): Promise<Handshake> {
  const capabilities = events.client?.capabilities ?? sharedCapabilities;
  const clientInfo = introduction(events.client?.clientInfo);
  const ask = async (declared: string) => {
    const params = `{"protocolVersion":"${latestLegacyVersion}","capabilities":${declared},"clientInfo":${clientInfo}}`;
    const { error, payload } = await requests.askOnce('initialize', params, Number.POSITIVE_INFINITY, signal);
    const result = new ObjectText(textOf(payload));
    freePayload(payload);
    return { error, result };
  };
  let { error, result } = await ask(capabilities);
  const plain = plainCapabilities(capabilities);
  if (error && invalidCodes.includes(error.code) && plain !== capabilities)
    ({ error, result } = await ask(plain));
  if (error) throw requests.refusal('to initialize', error);
  const server = descriptionIn(result, result.object('serverInfo'), events);
  const protocolVersion = result.string('protocolVersion');
  if (!isLegacyVersion(protocolVersion)) {
    const found =
      protocolVersion === undefined
        ? 'no protocol version'
        : `the unknown protocol version ${events.quote(protocolVersion)}`;
    throw new UpstreamFailure('protocol', `speaks ${found}; known are ${legacyVersions.join(', ')}`);
  }
  return { protocolVersion, server };
}

/** The same capabilities without their settings, and without experiments and extensions. */
function plainCapabilities(capabilities: string): string {
  const declared = new ObjectText(capabilities);
  const known = ['elicitation', 'sampling', 'roots'].filter((name) => declared.member(name) !== undefined);
  return JSON.stringify(Object.fromEntries(known.map((name) => [name, {}])));
}
