import { GatewayError } from '../../errors.ts';
import { Members } from '../../json/object.ts';
import { isObjectAt } from '../../json/scan.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import { isSeverity, type Severity } from '../../protocol/severity.ts';
import { isModernVersion, modernVersions } from '../../protocol/versions.ts';

/** Longer versions are truncated in errors. */
const maxVersionChars = 40;

/** What a client says of itself in the `_meta` of each request. MCP 2026-07-28, General Fields, `_meta`. */
export interface Envelope {
  readonly version: string;
  /** The JSON texts of objects. */
  readonly clientInfo: string;
  readonly capabilities: string;
  /** The least severe log messages that the client wants; null: none. */
  readonly logLevel: Severity | null;
  /** The text of the `_meta` without the reserved keys; null: it has no others. */
  readonly metaText: string | null;
}

// The longest first: a key is compared with one of its length or a longer one at no cost.
const reservedKeys = Object.values(reservedMeta).toSorted((a, b) => b.length - a.length);

/**
 * Reads the `_meta` of a request.
 * @param metaText undefined: there is none
 * @throws {GatewayError} `invalid_envelope`
 */
export function readEnvelope(metaText: string | undefined): Envelope {
  const kept: string[] = [];
  const texts: Record<string, string> = {};
  if (metaText !== undefined && isObjectAt(metaText, 0)) {
    const member = new Members(metaText, 0);
    while (member.next()) {
      const key = reservedKeys.find((reserved) => member.is(reserved));
      if (key === undefined) kept.push(metaText.slice(member.keyStart, member.end));
      else texts[key] = member.text();
    }
  }
  const { protocolVersion, clientCapabilities, clientInfo, logLevel } = reservedMeta;
  const { [protocolVersion]: version, [clientCapabilities]: capabilities } = texts;
  if (version !== undefined && !isStringText(version)) throw wrong(protocolVersion, 'must be a string');
  if (version === undefined || capabilities === undefined) throw incomplete(version, capabilities);
  if (!isObjectAt(capabilities, 0)) throw wrong(clientCapabilities, 'must be an object');
  const info = texts[clientInfo] ?? 'null';
  if (info !== 'null' && !isObjectAt(info, 0)) throw wrong(clientInfo, 'must be an object');
  const level: unknown = JSON.parse(texts[logLevel] ?? 'null');
  if (level !== null && !isSeverity(level)) throw wrong(logLevel, 'must be the name of a log level');
  return {
    version: JSON.parse(version) as string,
    clientInfo: info === 'null' ? '{}' : info,
    capabilities,
    logLevel: level,
    metaText: kept.length === 0 ? null : `{${kept.join(',')}}`,
  };
}

/** Throws `header_mismatch` or `unsupported_protocol_version`. @param headerVersion null: there is no such header */
export function checkEnvelopeVersion({ version }: Envelope, headerVersion: string | null): void {
  if (headerVersion !== null && headerVersion !== version)
    throw new GatewayError(
      'header_mismatch',
      `Header mismatch: MCP-Protocol-Version is "${short(headerVersion)}", but _meta names "${short(version)}"`,
    );
  if (isModernVersion(version)) return;
  const requested = short(version);
  throw new GatewayError('unsupported_protocol_version', `Unsupported protocol version: ${requested}`, {
    supported: modernVersions,
    requested,
  });
}

function isStringText(text: string): boolean {
  return text.startsWith('"');
}

function incomplete(version: string | undefined, capabilities: string | undefined): GatewayError {
  const { protocolVersion, clientCapabilities } = reservedMeta;
  const missing = [
    ...(version === undefined ? [protocolVersion] : []),
    ...(capabilities === undefined ? [clientCapabilities] : []),
  ];
  return new GatewayError(
    'invalid_envelope',
    `Invalid params: a request of MCP ${modernVersions[0]} or newer must have a _meta with ${missing.join(' and ')}`,
    { missing },
  );
}

function wrong(key: string, expected: string): GatewayError {
  return new GatewayError('invalid_envelope', `Invalid params: ${key} in _meta ${expected}`, { key });
}

function short(version: string): string {
  return version.slice(0, maxVersionChars);
}
