import type { HttpFailure } from '../http-client/http-failure.ts';
import type { ObjectText } from '../json/object.ts';
import { notificationText, type RequestMessage, type ResponseMessage } from '../protocol/messages.ts';
import { reservedMeta } from '../protocol/reserved-meta.ts';
import type { Holding } from '../runtime/byte-budget.ts';
import { type ModernParts, ModernRequest } from './modern-request.ts';
import type { GatewayMessage } from './response-messages.ts';

const acknowledged = 'notifications/subscriptions/acknowledged';
/** A stream that ends sooner has nothing to bring. */
const minStreamMs = 1_000;

/**
 * `subscriptions/listen`: its stream is opened again when the gateway ends or breaks it, unseen by the client, which is told what may
 * have changed meanwhile. MCP 2026-07-28, Subscriptions.
 */
export class ListenRequest extends ModernRequest {
  /** What the gateway has agreed to report; null: nothing yet. */
  #agreed: ObjectText | null = null;
  #openedMs = 0;
  /** How often the stream is open now, and how often it was acknowledged. */
  #acknowledgements = 0;

  constructor(message: RequestMessage, text: string, holding: Holding, parts: ModernParts) {
    super(message, text, holding, parts);
  }

  override take(content: GatewayMessage): Promise<void> | undefined {
    const { message } = content;
    if (message.kind !== 'notification' || message.method !== acknowledged) return super.take(content);
    this.#openedMs = performance.now();
    this.#agreed = message.params?.object('notifications') ?? null;
    this.#acknowledgements++;
    if (this.#acknowledgements === 1) return super.take(content);
    this.#reportChanges();
    return undefined;
  }

  /** The gateway ends it when it stops, and the next one will have it again. */
  protected override answer(message: ResponseMessage, text: string): Promise<void> | undefined {
    const wasUseful = this.#agreed !== null && performance.now() - this.#openedMs >= minStreamMs;
    return message.result !== undefined && wasUseful ? undefined : super.answer(message, text);
  }

  protected override async unanswered(broken: HttpFailure | null): Promise<boolean> {
    return this.#agreed === null ? super.unanswered(broken) : this.again();
  }

  #reportChanges(): void {
    const { client } = this.parts;
    const meta = `"_meta":{"${reservedMeta.subscriptionId}":${this.idText}}`;
    for (const kind of ['tools', 'prompts', 'resources']) {
      if (this.#agreed?.isText(`${kind}ListChanged`, 'true'))
        client.send(notificationText(`notifications/${kind}/list_changed`, `{${meta}}`));
    }
    const uris = JSON.parse(this.#agreed?.member('resourceSubscriptions') ?? '[]') as unknown;
    for (const uri of Array.isArray(uris) ? uris : [])
      client.send(
        notificationText('notifications/resources/updated', `{"uri":${JSON.stringify(uri)},${meta}}`),
      );
  }
}
