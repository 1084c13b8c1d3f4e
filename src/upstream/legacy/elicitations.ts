import { ObjectText } from '../../json/object.ts';
import type { Channel } from '../../protocol/caller.ts';
import { maxTokenChars, type ResponseMessage } from '../../protocol/messages.ts';
import { textOf } from '../../runtime/owned-bytes.ts';
import type { UpstreamCall } from '../pending-request.ts';

/** The most elicitations whose clients are remembered: the oldest are forgotten. */
const maxElicitations = 10_000;
/** The most elicitations of one error that are remembered. */
const maxOfError = 100;

/**
 * The clients that were sent to URLs by a session: `notifications/elicitation/complete` comes outside of their calls.
 * MCP 2025-11-25, Elicitation, Completion Notifications.
 */
export class Elicitations {
  readonly #channels = new Map<string, Channel>();

  /** An elicitation goes to the client of `call`. */
  asked(call: UpstreamCall, params: ObjectText | undefined): void {
    const id = params?.string('elicitationId');
    const channel = call.caller?.channel;
    if (!channel || id === undefined || id.length > maxTokenChars) return;
    this.#channels.delete(id);
    this.#channels.set(id, channel);
    const [oldest] = this.#channels.keys();
    if (this.#channels.size > maxElicitations && oldest !== undefined) this.#channels.delete(oldest);
  }

  /** An error with `urlElicitationRequired` answers `call`. */
  required(call: UpstreamCall, { payload }: ResponseMessage): void {
    const listed = elicitationsIn(textOf(payload));
    for (const params of listed.slice(0, maxOfError)) this.asked(call, params);
  }

  /** Takes the channel of the client that an elicitation went to. */
  take(id: string): Channel | undefined {
    const channel = this.#channels.get(id);
    this.#channels.delete(id);
    return channel;
  }
}

function elicitationsIn(errorText: string): ObjectText[] {
  try {
    const list: unknown = JSON.parse(errorText).data?.elicitations;
    return Array.isArray(list) ? list.map((params) => new ObjectText(JSON.stringify(params))) : [];
  } catch {
    return [];
  }
}
