import { allKinds, kinds } from '../protocol/kinds.ts';

/**
 * What the gateway offers its clients, whatever is connected just then. MCP 2025-11-25, Lifecycle, Capability Negotiation;
 * 2026-07-28, Discovery.
 */
export const serverCapabilities: Readonly<Record<string, object>> = {
  ...Object.fromEntries(allKinds.map((kind) => [kinds[kind].capability, { listChanged: true }])),
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};
