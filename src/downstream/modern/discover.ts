import type { Caller } from '../../protocol/caller.ts';
import { gatewaysKey } from '../../protocol/instance.ts';
import { modernVersions } from '../../protocol/versions.ts';
import type { Registry } from '../../registry/registry.ts';
import { serverCapabilities } from '../capabilities.ts';

/**
 * The result of `server/discover`, but for what all results have. Like the SDK's servers it names revisions of the modern era
 * only: the others are negotiated by `initialize`. MCP 2026-07-28, Discovery.
 * @param passed the capabilities that the view has because its upstreams have them
 * @param gateways the ids of this gateway and of those that it reaches
 */
export function discoverResult(
  registry: Registry,
  caller: Caller,
  passed: Readonly<Record<string, unknown>>,
  gateways: string,
): string {
  const instructions = registry.view(caller.view)?.instructions() ?? '';
  return JSON.stringify({
    supportedVersions: modernVersions,
    capabilities: { ...serverCapabilities, ...passed },
    ...(instructions !== '' && { instructions }),
    _meta: { [gatewaysKey]: gateways },
  });
}
