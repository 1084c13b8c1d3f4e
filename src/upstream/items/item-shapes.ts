import type { ObjectText } from '../../json/object.ts';
import type { Kind } from '../../protocol/kinds.ts';
import { mendedPrompt, mendedResource, mendedResourceTemplate, mendedTool } from './item-members.ts';

/** An item in a form that clients accept. */
interface MendedItem {
  readonly item: ObjectText;
  /** Whether a request for the item may be sent twice. */
  readonly isRepeatable: boolean;
  /** The member that was left out, and what is wrong with it; null: none. */
  readonly omission: { readonly member: string; readonly fault: string } | null;
}

/** For each kind a function that mends the JSON text of an item, and throws a `Misfit` if it cannot. */
export const itemShapes: Readonly<Record<Kind, (text: string) => MendedItem>> = {
  tools(text) {
    const { tool, schemaFault } = mendedTool(text);
    const annotations = tool.object('annotations');
    const isTrue = (hint: string) => annotations?.member(hint) === 'true';
    return {
      item: tool,
      // MCP 2025-11-25, ToolAnnotations.
      isRepeatable: isTrue('readOnlyHint') || isTrue('idempotentHint'),
      omission: schemaFault === null ? null : { member: 'outputSchema', fault: schemaFault },
    };
  },
  // To get or read an item changes nothing.
  prompts: (text) => ({ item: mendedPrompt(text), isRepeatable: true, omission: null }),
  resources: (text) => ({ item: mendedResource(text), isRepeatable: true, omission: null }),
  resourceTemplates: (text) => ({ item: mendedResourceTemplate(text), isRepeatable: true, omission: null }),
};
