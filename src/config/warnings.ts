import { authoritiesProblem } from './authorities.ts';
import { isLoopback } from './hosts.ts';
import type { LoadedConfig } from './load.ts';

/** What a configuration may say, but seldom means to: warnings for whoever runs it. */
export function warningsOf(
  { config, warnings }: Pick<LoadedConfig, 'config' | 'warnings'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  const { host, mcp, servers } = config;
  const risks: string[] = [];
  if (mcp.auth.mode === 'none' && !isLoopback(host)) {
    risks.push(
      `${host} is reachable from other machines and mcp.auth.mode is none: anyone there can call every tool`,
    );
  }
  for (const { name, tls_skip_verify } of servers) {
    if (!tls_skip_verify) continue;
    risks.push(
      `${name}: tls_skip_verify accepts any certificate, so anyone in between can read and change the traffic`,
    );
  }
  const authorities = authoritiesProblem(env);
  if (authorities !== null) risks.push(authorities);
  return [...risks, ...warnings];
}
