import type { ObjectText } from '../json/object.ts';
import { errorCodes } from '../protocol/error-codes.ts';
import type { RpcError } from '../protocol/messages.ts';
import { isLegacyVersion, isModernVersion, modernVersions, namesModernEra } from '../protocol/versions.ts';
import { UpstreamFailure } from './failure.ts';

/** What a server's reaction to `server/discover` tells about it. */
export type EraVerdict =
  /** It speaks this revision. `isAgreed`: it has answered; if not, it is asked once more, in this revision. */
  | { readonly era: 'modern'; readonly version: string; readonly isAgreed: boolean }
  | { readonly era: 'legacy'; readonly found: string }
  | { readonly era: 'unknown'; readonly failure: UpstreamFailure };

/** Other errors that only servers of the modern era have. */
const modernErrors: readonly number[] = [errorCodes.headerMismatch, errorCodes.missingClientCapability];
/** 4xx statuses that come from something before the server, or tell of a lack of time. */
const transientStatuses: readonly number[] = [407, 408, 425];

/** The most versions that are read, and shown. */
const maxVersions = 100;
const maxShownVersions = 10;

/** A server of the legacy era, where one of the modern era is wanted. */
export class LegacyServerFailure extends UpstreamFailure {
  constructor(found: string) {
    super('unsupported', `does not speak revision ${modernVersions.join(' or ')}: it ${found}`);
  }
}

/**
 * The verdict on a server that answered `server/discover`. MCP 2026-07-28, Versioning, Backward Compatibility: no legacy server
 * answers with a list of versions, or with an error that only the modern era has.
 * @param payload the result, or the error
 * @param quote makes words of the server fit to be shown
 */
export function verdictOnAnswer(
  error: RpcError | undefined,
  payload: ObjectText,
  quote: (text: string) => string,
): EraVerdict {
  if (error === undefined) return verdictOnResult(payload, quote);
  const found = `refused server/discover: ${quote(error.message)} (error ${error.code})`;
  if (error.code === errorCodes.unsupportedVersion) {
    const supported = versionsIn(payload.object('data')?.member('supported'));
    const version = supported?.find(isModernVersion);
    if (version !== undefined) return { era: 'modern', version, isAgreed: false };
    if (supported?.length && !supported.some(namesModernEra)) return { era: 'legacy', found };
    return supported === null ? unknown('returned_error', found) : unknownVersions(supported, quote);
  }
  return modernErrors.includes(error.code) ? unknown('returned_error', found) : { era: 'legacy', found };
}

/** The verdict on a server whose answer to the POST of `server/discover` is a failure. No 5xx status says anything about its era. */
export function verdictOnHttpFailure(failure: UpstreamFailure): EraVerdict {
  const { kind, status, message } = failure;
  const isLegacy =
    status === undefined
      ? kind === 'unsupported'
      : status < 500 && ['unsupported', 'protocol'].includes(kind) && !transientStatuses.includes(status);
  return isLegacy ? { era: 'legacy', found: message } : { era: 'unknown', failure };
}

function verdictOnResult(result: ObjectText, quote: (text: string) => string): EraVerdict {
  const versions = versionsIn(result.member('supportedVersions'));
  if (versions === null)
    return { era: 'legacy', found: 'answered server/discover without a list of versions' };
  const version = versions.find(isModernVersion);
  if (version !== undefined) return { era: 'modern', version, isAgreed: true };
  return versions.some(isLegacyVersion)
    ? { era: 'legacy', found: 'speaks only older revisions' }
    : unknownVersions(versions, quote);
}

function unknownVersions(versions: readonly string[], quote: (text: string) => string): EraVerdict {
  const shown = versions.slice(0, maxShownVersions).map((version) => quote(version));
  const found = shown.length === 0 ? 'no protocol version' : `only the protocol versions ${shown.join(', ')}`;
  return unknown('protocol', `speaks ${found}; known are ${modernVersions.join(', ')} and older ones`);
}

function unknown(kind: 'protocol' | 'returned_error', message: string): EraVerdict {
  return { era: 'unknown', failure: new UpstreamFailure(kind, message) };
}

/** The versions in a JSON text; null if it is not a list of strings. */
function versionsIn(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const versions: unknown = JSON.parse(text);
  return Array.isArray(versions) && versions.every((version) => typeof version === 'string')
    ? versions.slice(0, maxVersions)
    : null;
}
