import { gatewaysKey } from '../../protocol/instance.ts';
import { modernVersions } from '../../protocol/versions.ts';
import type { ServerDescription } from '../server-description.ts';

/**
 * The result of `server/discover`, but for what all results have. Like the SDK's servers it names revisions of the modern era
 * only: the others are negotiated by `initialize`. MCP 2026-07-28, Discovery.
 */
export function discoverResult({ capabilities, instructions, gateways }: ServerDescription): string {
  return JSON.stringify({
    supportedVersions: modernVersions,
    capabilities,
    ...(instructions !== '' && { instructions }),
    _meta: { [gatewaysKey]: gateways },
  });
}
