import { GatewayError } from '../../errors.ts';
import { ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';
import { gatewaysKey } from '../../protocol/instance.ts';
import { negotiateVersion } from '../../protocol/versions.ts';
import { build } from '../../version.ts';
import type { ServerDescription } from '../server-description.ts';
import { factsThatFit, type SessionFacts } from './session-ids.ts';

/** Longer client names are truncated in the log. */
const maxNameChars = 100;

/** The result of `initialize`. Throws `invalid_params`. */
export function initializeResult(
  params: ObjectText | undefined,
  { capabilities, instructions, gateways }: ServerDescription,
): string {
  const wrong = (what: string) => new GatewayError('invalid_params', `initialize: ${what}`);
  const protocolVersion = params?.string('protocolVersion');
  if (params === undefined || protocolVersion === undefined)
    throw wrong('"protocolVersion" must be a string');
  if (!params.isObjectOrAbsent('capabilities')) throw wrong('"capabilities" must be an object');
  if (!params.isObjectOrAbsent('clientInfo')) throw wrong('"clientInfo" must be an object');
  return JSON.stringify({
    protocolVersion: negotiateVersion(protocolVersion),
    capabilities,
    serverInfo: { name: 'mcpstead', version: build.version },
    ...(instructions !== '' && { instructions }),
    _meta: { [gatewaysKey]: gateways },
  });
}

/** The facts of the session that an `initialize` opens. {@link initializeResult} has validated the params. */
export function factsOf(
  params: ObjectText | undefined,
  { principal, view }: Pick<Caller, 'principal' | 'view'>,
): SessionFacts {
  return factsThatFit({
    protocolVersion: negotiateVersion(params?.string('protocolVersion') ?? ''),
    clientInfo: params?.member('clientInfo') ?? '{}',
    capabilities: params?.member('capabilities') ?? '{}',
    principal,
    view,
    openedSeconds: Date.now() / 1000,
  });
}

/** The client's name for the log. */
export function clientName({ clientInfo }: Caller): string {
  return new ObjectText(clientInfo).string('name')?.slice(0, maxNameChars) ?? 'unnamed';
}
