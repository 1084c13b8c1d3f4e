import { ObjectText } from '../../json/object.ts';
import type { Kind } from '../../protocol/kinds.ts';
import type { Era } from '../../protocol/versions.ts';
import { adaptedTool } from './adapted-tool.ts';
import { mendedPrompt, mendedResource, mendedResourceTemplate, mendedTool } from './item-members.ts';

/** An item in a form that clients accept. */
interface MendedItem {
  readonly item: ObjectText;
  /** The same for clients of the era that its upstream does not speak; null: they accept the item. */
  readonly adapted: ObjectText | null;
  /** Whether a request for the item may be sent twice. */
  readonly isRepeatable: boolean;
  /** The `ui://` resource that shows a tool's results, if it names one. */
  readonly uiUri: string | null;
  /** Whether a tool can be called as a task only. */
  readonly needsTask: boolean;
  /** The member that was left out, and what is wrong with it; null: none. */
  readonly omission: { readonly member: string; readonly fault: string } | null;
}

/**
 * For each kind a function that mends the JSON text of an item, and throws a `Misfit` if it cannot. The era is that in which the
 * upstream lists it.
 */
export const itemShapes: Readonly<Record<Kind, (text: string, era: Era) => MendedItem>> = {
  tools(text, era) {
    const { tool, schemaFault } = mendedTool(text, era);
    const adapted = adaptedTool(tool, era);
    const annotations = tool.object('annotations');
    const isTrue = (hint: string) => annotations?.member(hint) === 'true';
    return {
      item: tool,
      adapted: adapted === null ? null : new ObjectText(adapted),
      // MCP 2025-11-25, ToolAnnotations.
      isRepeatable: isTrue('readOnlyHint') || isTrue('idempotentHint'),
      uiUri: uiUriOf(tool.object('_meta')),
      // MCP 2025-11-25, Tasks, Tool-Level Negotiation.
      needsTask: era === 'legacy' && tool.object('execution')?.string('taskSupport') === 'required',
      omission: schemaFault === null ? null : { member: 'outputSchema', fault: schemaFault },
    };
  },
  // To get or read an item changes nothing.
  prompts: (text) => readable(mendedPrompt(text)),
  resources: (text) => readable(mendedResource(text)),
  resourceTemplates: (text) => readable(mendedResourceTemplate(text)),
};

/** An item that a request only reads. */
function readable(item: ObjectText): MendedItem {
  return { item, adapted: null, isRepeatable: true, uiUri: null, needsTask: false, omission: null };
}

/** MCP Apps, Tool Metadata: nested, or in its older form flat. */
function uiUriOf(meta: ObjectText | undefined): string | null {
  const uri = meta?.object('ui')?.string('resourceUri') ?? meta?.string('ui/resourceUri');
  return uri?.startsWith('ui://') ? uri : null;
}
