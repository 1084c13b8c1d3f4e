import type { Upstream } from '../upstream/upstream.ts';
import { type FilterConfig, NameFilter } from './name-filter.ts';
import { bareOffering, narrowedOffering, type Offering } from './offering.ts';

/** A named selection of servers and of their tools. */
export interface ProfileConfig {
  readonly name: string;
  readonly servers: readonly string[];
  /** Patterns for the names of tools, as clients of the whole gateway know them. */
  readonly tools: FilterConfig;
}

/** What a view shows: it makes its offerings of those of the whole gateway. */
export interface ViewScope {
  /** Whether the view is one server alone. */
  readonly isServer: boolean;
  includes(upstream: Upstream): boolean;
  offering(whole: Offering): Offering;
}

export const wholeScope: ViewScope = { isServer: false, includes: () => true, offering: (whole) => whole };

/** One server, whose names are bare. */
export function serverScope(server: string): ViewScope {
  return { isServer: true, includes: ({ name }) => name === server, offering: bareOffering };
}

/** Several servers, with the names that they have in the whole. */
export function profileScope({ servers, tools }: ProfileConfig): ViewScope {
  const names = new Set(servers);
  const filter = new NameFilter(tools);
  return {
    isServer: false,
    includes: ({ name }) => names.has(name),
    offering: (whole) => narrowedOffering(whole, filter),
  };
}
