import { allKinds, kinds } from '../protocol/kinds.ts';
import type { Era } from '../protocol/versions.ts';
import type { Registry } from '../registry/registry.ts';
import type { Router } from '../router/router.ts';

/** What the gateway itself offers, whatever is connected just then. */
const ownCapabilities = {
  ...Object.fromEntries(allKinds.map((kind) => [kinds[kind].capability, { listChanged: true }])),
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

/** How the gateway describes itself to clients. MCP 2025-11-25, Lifecycle, Initialization; 2026-07-28, Discovery. */
export interface ServerDescription {
  readonly capabilities: object;
  /** For the use of the items in the view; empty if there are none. */
  readonly instructions: string;
  /** The ids of this gateway and of those that it reaches. */
  readonly gateways: string;
}

interface DescriptionsParts {
  readonly router: Router;
  readonly registry: Registry;
  /** Returns the ids of this gateway and of those that it reaches. */
  readonly gateways: () => string;
}

/** Describes the gateway as it is now. */
export class ServerDescriptions {
  readonly #parts: DescriptionsParts;

  constructor(parts: DescriptionsParts) {
    this.#parts = parts;
  }

  /** The description for clients of an era that use a view. */
  of(view: string, era: Era): ServerDescription {
    const { router, registry, gateways } = this.#parts;
    return {
      capabilities: { ...ownCapabilities, ...router.capabilitiesOf(view, era) },
      instructions: registry.view(view)?.instructions() ?? '',
      gateways: gateways(),
    };
  }
}
