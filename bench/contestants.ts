// The contestants. bench/README.md says how to install each, and how it is set up.

import { bare } from './contestants/bare.ts';
import type { Contestant } from './contestants/contestant.ts';
import { contextForge } from './contestants/context-forge.ts';
import { mcpProxy } from './contestants/mcp-proxy.ts';
import { before, compiled, crate, fromSource } from './contestants/mcpstead.ts';
import { nginx } from './contestants/nginx.ts';

/** The contestants that the goals compare. */
export const mainContestants: readonly Contestant[] = [compiled, crate, nginx];

/** All contestants, the main ones first. */
export const allContestants: readonly Contestant[] = [
  ...mainContestants,
  before,
  bare,
  fromSource,
  mcpProxy,
  contextForge,
];

/** The contestants called `names`, or an error message. */
export function contestantsNamed(names: readonly string[]): Contestant[] | string {
  const found = allContestants.filter(({ name }) => names.includes(name));
  const unknown = names.find((name) => !found.some((one) => one.name === name));
  if (unknown === undefined) return found;
  return `unknown contestant ${unknown}; expected one of ${allContestants.map(({ name }) => name).join(', ')}`;
}
