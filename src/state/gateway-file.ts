import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { replaceFile } from '../runtime/replace-file.ts';

/** How the commands of this user find a running gateway, and prove that they are this user's. */
export interface GatewayFile {
  readonly pid: number;
  /** The `/mcp` endpoint, at an address to which this machine can connect. */
  readonly url: string;
  /** The absolute path of the configuration; null: it has none. */
  readonly config: string | null;
  /** Opens the endpoints below `/-/`, in place of the bearer token. */
  readonly token: string;
  readonly version: string;
  /** ISO 8601, in UTC. */
  readonly started_at: string;
}

/** A gateway file, and the port in its name. */
export type FoundGateway = GatewayFile & { readonly port: number };

const tokenBytes = 32;
/** Many times the size of a file with a long path. */
const maxFileBytes = 65_536;
/** More files are ignored: nobody runs as many gateways. */
const maxFiles = 256;
const fileName = /^([1-9]\d{0,4})\.json$/;

/** A new admin token: 32 random bytes in base64url. */
export function newAdminToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(tokenBytes))).toString('base64url');
}

/**
 * Writes `gateways/PORT.json` in the state directory, for its owner only, in place of one that another gateway left. Throws the
 * error of the file system.
 */
export function writeGatewayFile(directory: string, port: number, file: GatewayFile): void {
  replaceFile(pathOf(directory, port), `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

/** Removes the file of a gateway, unless another one has replaced it. Never throws. */
export function removeGatewayFile(directory: string, port: number, { pid, token }: GatewayFile): void {
  const present = readGatewayFile(directory, port);
  if (present?.pid !== pid || present.token !== token) return;
  try {
    rmSync(pathOf(directory, port), { force: true });
  } catch {
    // The directory has become read-only: whoever reads the file will find that nobody answers.
  }
}

/** The gateway files in the state directory, by ascending port. Those that cannot be read or understood are left out. */
export function readGatewayFiles(directory: string): FoundGateway[] {
  let names: string[];
  try {
    names = readdirSync(directoryOf(directory));
  } catch {
    return [];
  }
  const ports = names.flatMap((name) => fileName.exec(name)?.[1] ?? []).map(Number);
  return ports
    .toSorted((a, b) => a - b)
    .slice(0, maxFiles)
    .flatMap((port) => readGatewayFile(directory, port) ?? []);
}

function readGatewayFile(directory: string, port: number): FoundGateway | null {
  const path = pathOf(directory, port);
  try {
    const status = statSync(path);
    if (!status.isFile() || status.size > maxFileBytes) return null;
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isGatewayFile(file) ? { ...file, port } : null;
  } catch {
    return null;
  }
}

function isGatewayFile(value: unknown): value is GatewayFile {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, url, config, token, version, started_at } = value as Record<string, unknown>;
  return (
    Number.isInteger(pid) &&
    [url, token, version, started_at].every((text) => typeof text === 'string' && text !== '') &&
    URL.canParse(url as string) &&
    (config === null || typeof config === 'string')
  );
}

function directoryOf(directory: string): string {
  return `${directory}/gateways`;
}

function pathOf(directory: string, port: number): string {
  return `${directoryOf(directory)}/${port}.json`;
}
