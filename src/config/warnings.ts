import type { Environment } from '../runtime/environment.ts';
import { authoritiesProblem } from './authorities.ts';
import { containerRunFaults } from './container-run.ts';
import { isLoopback, normalizeHost } from './hosts.ts';
import type { LoadedConfig } from './load.ts';
import type { Config } from './schema.ts';

/** Warnings about valid settings that are risky or rarely intended. */
export function warningsOf(
  { config, warnings }: Pick<LoadedConfig, 'config' | 'warnings'>,
  env: Environment = process.env,
): string[] {
  const { host, mcp, servers } = config;
  const risks: string[] = [];
  if (mcp.auth.mode === 'none' && !isLoopback(host)) {
    risks.push(
      `${host} is reachable from other machines and mcp.auth.mode is none: anyone there can call every tool`,
    );
  }
  for (const { name, url, command, args, tls_skip_verify } of servers) {
    if (command !== undefined)
      for (const fault of containerRunFaults(command, args ?? [])) risks.push(`${name}: ${fault}`);
    if (isOwnAddress(url, config)) {
      risks.push(`${name}: its url is the address of this gateway, which cannot be its own server`);
    }
    if (!tls_skip_verify) continue;
    risks.push(
      `${name}: tls_skip_verify accepts any certificate, so anyone in between can read and change the traffic`,
    );
  }
  const authorities = authoritiesProblem(env);
  if (authorities !== null) risks.push(authorities);
  return [...risks, ...warnings];
}

/** Whether the text of a URL is the address of a gateway with this configuration. */
export function isOwnAddress(text: string | undefined, { host, port }: Config): boolean {
  if (text === undefined) return false;
  const url = new URL(text);
  if (url.protocol !== 'http:' || Number(url.port || 80) !== port) return false;
  const name = normalizeHost(url.hostname);
  // A gateway that listens on all addresses also has the loopback ones.
  return name === normalizeHost(host) || (isLoopback(name) && (isLoopback(host) || isUnspecified(host)));
}

const isUnspecified = (host: string) => host === '0.0.0.0' || host === '::';
