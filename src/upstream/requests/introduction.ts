import { ObjectText } from '../../json/object.ts';
import { build } from '../../version.ts';

/**
 * Who is introduced to a server, which must have a name and a version: the client, with what it lacks from the gateway's own.
 * MCP 2025-11-25, Lifecycle, Initialization; 2026-07-28, General Fields, `_meta`.
 * @param clientInfo JSON text; by default the gateway introduces itself
 */
export function introduction(clientInfo = '{}'): string {
  const info = new ObjectText(clientInfo);
  const missing = Object.entries({ name: 'mcpstead', version: build.version })
    .filter(([name]) => info.string(name) === undefined)
    .map(([name, value]) => ({ name, value: JSON.stringify(value) }));
  return missing.length === 0 ? clientInfo : info.with(...missing);
}
