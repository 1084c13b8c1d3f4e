import type { Config, ServerConfig } from '../../config/schema.ts';

interface FilterPatterns {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What differs from the default in what clients see of a server, by titles for people. */
export function exposureRows({ tools, prompts, resources }: ServerConfig): Record<string, string> {
  const renamed = Object.entries(tools.rename).map(([own, name]) => `${own} as ${name}`);
  const rows = {
    prefix:
      tools.prefix === true ? '' : tools.prefix === false ? 'none: names are bare' : `${tools.prefix}__`,
    'tools shown': filterText(tools),
    'new names': renamed.join(', '),
    'prompts shown': filterText(prompts),
    'URIs shown': filterText(resources),
  };
  return Object.fromEntries(Object.entries(rows).filter(([, text]) => text !== ''));
}

/** What a profile serves, by titles for people. */
export function profileRows({ name, servers, tools }: Config['profiles'][number]): Record<string, string> {
  return { path: `/mcp/${name}`, servers: servers.join(', '), tools: filterText(tools) || 'all' };
}

/** A filter in words; empty if it hides nothing. */
function filterText({ allow, deny }: FilterPatterns): string {
  if (allow.length === 0) return 'none';
  const allowed = allow.includes('*') ? '' : allow.join(', ');
  if (deny.length === 0) return allowed;
  return `${allowed || 'all'} but ${deny.join(', ')}`;
}
