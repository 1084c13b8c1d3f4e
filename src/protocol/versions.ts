/** Protocol revisions of the legacy era (`initialize`, sessions), oldest first. */
export const legacyVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;

/** The newest legacy revision: what the gateway asks upstreams for, and offers to a client whose own it does not know. */
export const latestLegacyVersion = '2025-11-25';

/** Whether a protocol revision, as a peer gave it, is one of the legacy era that the gateway speaks. */
export function isLegacyVersion(version: unknown): version is (typeof legacyVersions)[number] {
  return (legacyVersions as readonly unknown[]).includes(version);
}

/**
 * The revision that answers `initialize`: the client's own where it is known, else the newest.
 * MCP 2025-11-25, Lifecycle, Version Negotiation.
 */
export function negotiateVersion(requested: string): (typeof legacyVersions)[number] {
  return isLegacyVersion(requested) ? requested : latestLegacyVersion;
}
