/** A family of protocol revisions with the same lifecycle: see {@link legacyVersions} and {@link modernVersions}. */
export type Era = 'legacy' | 'modern';

export const eras: readonly Era[] = ['legacy', 'modern'];

/** Protocol revisions of the legacy era (`initialize`, sessions), oldest first. */
export const legacyVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;

/** The newest legacy revision. The gateway requests it from upstreams, and offers it to clients that request an unknown one. */
export const latestLegacyVersion = '2025-11-25';

/** Whether the gateway speaks a protocol revision, given as its peer sent it. */
export function isLegacyVersion(version: unknown): version is (typeof legacyVersions)[number] {
  return (legacyVersions as readonly unknown[]).includes(version);
}

/**
 * The revision in the response to `initialize`: the requested one if the gateway speaks it, else the newest.
 * MCP 2025-11-25, Lifecycle, Version Negotiation.
 */
export function negotiateVersion(requested: string): (typeof legacyVersions)[number] {
  return isLegacyVersion(requested) ? requested : latestLegacyVersion;
}

/** Protocol revisions of the modern era (no sessions, `_meta` in each request), oldest first. */
export const modernVersions = ['2026-07-28'] as const;
export const latestModernVersion = '2026-07-28';

/** Whether the gateway speaks a modern revision, given as its peer sent it. */
export function isModernVersion(version: unknown): version is (typeof modernVersions)[number] {
  return (modernVersions as readonly unknown[]).includes(version);
}

/** Whether a revision is of the modern era, known or not. Revisions are dates. */
export function namesModernEra(version: string): boolean {
  return version >= modernVersions[0];
}
