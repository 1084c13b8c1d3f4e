import type { ObjectText } from '../json/object.ts';
import { declaredObject } from '../protocol/capabilities.ts';
import { appsExtension, skillsExtension, tasksExtension } from '../protocol/extensions.ts';
import type { Era } from '../protocol/versions.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** The extensions whose requests find their upstream among several. */
const routedExtensions: readonly string[] = [tasksExtension, appsExtension, skillsExtension];

/** Longer declarations of an upstream are left out: each client would get them. */
const maxDeclaredChars = 64 * 1024;

type CapabilityObject = Record<string, unknown>;

/**
 * The capabilities that the gateway has because its upstreams have them: `extensions`, and for legacy clients `tasks`. All that
 * the connected upstreams declare and the router can pass on. MCP 2026-07-28, Extensions; 2025-11-25, Tasks.
 */
export function passedCapabilities(upstreams: readonly Upstream[], era: Era): CapabilityObject {
  const declared = upstreams.map(({ capabilities }) => capabilities);
  const extensions = merged(declared, 'extensions');
  for (const id of Object.keys(extensions)) {
    // With one upstream, every request of an extension is clearly for it.
    const isRouted = upstreams.length === 1 || routedExtensions.includes(id);
    // The core of the legacy era has tasks in a form of its own.
    if (!isRouted || (id === tasksExtension && era === 'legacy')) delete extensions[id];
  }
  const tasks = era === 'legacy' ? merged(declared, 'tasks') : {};
  return {
    ...(Object.keys(extensions).length > 0 && { extensions }),
    ...(Object.keys(tasks).length > 0 && { tasks }),
  };
}

/** The union of what upstreams declare in one member. Of contradicting values, the first counts. */
function merged(declared: readonly ObjectText[], member: string): CapabilityObject {
  const union: CapabilityObject = {};
  for (const capabilities of declared) {
    const text = declaredObject(capabilities, member)?.toString() ?? '{}';
    if (text.length <= maxDeclaredChars) addTo(union, JSON.parse(text) as CapabilityObject);
  }
  return union;
}

function addTo(union: CapabilityObject, object: CapabilityObject): void {
  for (const [name, value] of Object.entries(object)) {
    const present = Object.hasOwn(union, name) ? union[name] : undefined;
    if (present === undefined)
      Object.defineProperty(union, name, { value, enumerable: true, configurable: true, writable: true });
    else if (isObject(present) && isObject(value)) addTo(present, value);
  }
}

function isObject(value: unknown): value is CapabilityObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
