// What is measured. How to install each, and how it is set up: bench/README.md.

import { bare } from './contestants/bare.ts';
import type { Contestant } from './contestants/contestant.ts';
import { contextForge } from './contestants/context-forge.ts';
import { mcpProxy } from './contestants/mcp-proxy.ts';
import { before, compiled, crate, fromSource } from './contestants/mcpstead.ts';
import { nginx } from './contestants/nginx.ts';

/** Those that the goals name. */
export const mainContestants: readonly Contestant[] = [compiled, crate, nginx];

/** All that can take part, the goals' ones first. */
export const allContestants: readonly Contestant[] = [
  ...mainContestants,
  before,
  bare,
  fromSource,
  mcpProxy,
  contextForge,
];

/** The contestants called `names`, or what is wrong with these. */
export function contestantsNamed(names: readonly string[]): Contestant[] | string {
  const found = allContestants.filter(({ name }) => names.includes(name));
  const unknown = names.find((name) => !found.some((one) => one.name === name));
  if (unknown === undefined) return found;
  return `no contestant is called ${unknown}; there are ${allContestants.map(({ name }) => name).join(', ')}`;
}
