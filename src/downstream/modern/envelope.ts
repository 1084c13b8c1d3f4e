import { GatewayError } from '../../errors.ts';
import type { ObjectText } from '../../json/object.ts';
import { reservedMeta, reservedMetaKeys } from '../../protocol/reserved-meta.ts';
import { isSeverity, type Severity } from '../../protocol/severity.ts';
import { isModernVersion, modernVersions } from '../../protocol/versions.ts';

/** Longer versions are truncated in errors. */
const maxVersionChars = 40;

/** What a client says of itself in the `_meta` of each request. MCP 2026-07-28, General Fields, `_meta`. */
export interface Envelope {
  /** The JSON texts of objects. */
  readonly clientInfo: string;
  readonly capabilities: string;
  /** The least severe log messages that the client wants; null: none. */
  readonly logLevel: Severity | null;
  /** The text of the `_meta` without the reserved keys; null: it has no others. */
  readonly metaText: string | null;
}

/**
 * Reads the `_meta` of a request. Throws `invalid_envelope`, `header_mismatch` or `unsupported_protocol_version`, in the order
 * in which the faults count.
 * @param headerVersion the version that the header names, if it is there
 */
export function envelopeOf(meta: ObjectText | undefined, headerVersion: string | null): Envelope {
  const version = meta?.string(reservedMeta.protocolVersion);
  const capabilities = meta?.member(reservedMeta.clientCapabilities);
  if (meta === undefined || version === undefined || capabilities === undefined) throw incomplete(meta);
  const { clientCapabilities, clientInfo, logLevel } = reservedMeta;
  if (!meta.isObjectOrAbsent(clientCapabilities)) throw wrong(clientCapabilities, 'must be an object');
  const info = presentMember(meta, clientInfo);
  if (info !== undefined && !meta.isObjectOrAbsent(clientInfo)) throw wrong(clientInfo, 'must be an object');
  const level = presentMember(meta, logLevel) === undefined ? null : meta.string(logLevel);
  if (level !== null && !isSeverity(level)) throw wrong(logLevel, 'must be the name of a log level');
  if (headerVersion !== null && headerVersion !== version)
    throw new GatewayError(
      'header_mismatch',
      `Header mismatch: MCP-Protocol-Version is "${short(headerVersion)}", but _meta names "${short(version)}"`,
    );
  if (!isModernVersion(version)) throw unsupportedVersion(version);
  const kept = meta.without(...reservedMetaKeys);
  return {
    clientInfo: info ?? '{}',
    capabilities,
    logLevel: level,
    metaText: /^\{\s*\}$/.test(kept) ? null : kept,
  };
}

/** The text of a member; undefined if it is absent or null. */
function presentMember(meta: ObjectText, key: string): string | undefined {
  const text = meta.member(key);
  return text === 'null' ? undefined : text;
}

function incomplete(meta: ObjectText | undefined): GatewayError {
  const { protocolVersion, clientCapabilities } = reservedMeta;
  if (meta?.member(protocolVersion) !== undefined && meta.string(protocolVersion) === undefined)
    return wrong(protocolVersion, 'must be a string');
  const missing = [protocolVersion, clientCapabilities].filter((key) => meta?.member(key) === undefined);
  return new GatewayError(
    'invalid_envelope',
    `Invalid params: a request of MCP ${modernVersions[0]} or newer must have a _meta with ${missing.join(' and ')}`,
    { missing },
  );
}

function wrong(key: string, expected: string): GatewayError {
  return new GatewayError('invalid_envelope', `Invalid params: ${key} in _meta ${expected}`, { key });
}

function unsupportedVersion(version: string): GatewayError {
  const requested = short(version);
  return new GatewayError('unsupported_protocol_version', `Unsupported protocol version: ${requested}`, {
    supported: modernVersions,
    requested,
  });
}

function short(version: string): string {
  return version.slice(0, maxVersionChars);
}
