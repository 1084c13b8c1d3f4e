import { CallFailure, GatewayError } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import type { Redactor } from '../observability/redact.ts';
import { unknownTool } from '../observability/upstream-metrics.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { withMember } from '../protocol/json-text.ts';
import { isObject, type ResponseMessage } from '../protocol/jsonrpc.ts';
import { splitQualified } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Connection } from '../upstream/connection.ts';
import { UpstreamFailure } from '../upstream/failure.ts';
import type { AnswerTaker } from '../upstream/transport/transport.ts';

/** As much of a name that came from a client as is quoted back. */
const maxQuotedChars = 200;

/** What the router works with. */
export interface RouterParts {
  readonly registry: Registry;
  readonly connection: (server: string) => Connection | undefined;
  readonly redactor: Redactor;
  readonly logger: Logger;
}

/** Finds who owns a request and has it answered there. */
export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Has one request answered, at once where that needs no upstream. Throws a {@link GatewayError} in place of that. */
  handle(exchange: Exchange): void {
    switch (exchange.method) {
      case 'tools/call':
        this.#callTool(exchange);
        break;
      case 'tools/list':
        exchange.answer(this.#listTools(exchange));
        break;
      default:
        throw new GatewayError('method_not_found', `Method not found: ${quoted(exchange.method)}`);
    }
  }

  #listTools(exchange: Exchange): Answer {
    // The list is one page, so there never was a cursor to come back with.
    if (exchange.params?.cursor !== undefined) {
      throw new GatewayError('invalid_params', 'tools/list: unknown cursor; list again without one');
    }
    return { kind: 'result', result: this.#parts.registry.toolsList() };
  }

  #callTool(exchange: Exchange): void {
    const name = exchange.params?.name;
    const args = exchange.params?.arguments;
    if (typeof name !== 'string')
      throw new GatewayError('invalid_params', 'tools/call: "name" must be a string');
    if (args !== undefined && !isObject(args)) {
      throw new GatewayError('invalid_params', 'tools/call: "arguments" must be an object');
    }
    const offered = this.#parts.registry.find(name);
    const parts = offered ? null : splitQualified(name);
    const connection = this.#parts.connection(offered?.server ?? parts?.server ?? '');
    // Of an upstream that is down the tools may not be known yet: that it is down is then the better answer.
    if (!connection || (!offered && connection.connected())) {
      throw new GatewayError('invalid_params', `Unknown tool: ${quoted(name)}`);
    }

    const tool = offered?.tool;
    const nameText = tool?.nameText ?? JSON.stringify(parts?.name);
    const paramsText = withMember(exchange.paramsText as string, 'name', nameText);
    const forwarded = new Forwarded(this.#parts, exchange, connection, tool?.name ?? unknownTool);
    connection.call(exchange, paramsText, tool?.repeatable ?? false, forwarded);
  }
}

/** A call on its way to an upstream's tool: passes the answer on, and counts how that went. */
class Forwarded implements AnswerTaker {
  readonly #parts: RouterParts;
  readonly #exchange: Exchange;
  readonly #connection: Connection;
  readonly #tool: string;

  /** @param tool its name for metrics and log */
  constructor(parts: RouterParts, exchange: Exchange, connection: Connection, tool: string) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#connection = connection;
    this.#tool = tool;
  }

  onAnswer(answer: ResponseMessage): void {
    const metrics = this.#connection.metrics.tool(this.#tool);
    const { redactor } = this.#parts;
    metrics.called((performance.now() - this.#exchange.startMs) / 1000);
    if (answer.error) {
      metrics.failed('upstream_returned_error');
      this.#exchange.answer({ kind: 'error', error: redactor.redactJson(answer.text) });
      return;
    }
    // Upstreams that fail tend to quote what they were sent, our credentials with it.
    const result = answer.isError ? redactor.redactJson(answer.text) : (answer.bytes ?? answer.text);
    this.#exchange.answer({ kind: 'result', result });
  }

  onFailure(error: unknown): void {
    const { logger } = this.#parts;
    const server = this.#connection.name;
    const metrics = this.#connection.metrics.tool(this.#tool);
    metrics.called((performance.now() - this.#exchange.startMs) / 1000);
    if (error instanceof UpstreamFailure) {
      const { reason, message } = error;
      metrics.failed(reason);
      logger.debug('a call failed', { server, tool: this.#tool, reason, cause: message });
      this.#exchange.fail(new CallFailure(server, reason, `upstream "${server}": ${message}`));
    } else {
      metrics.failed('internal');
      logger.error('a call failed inside the gateway', { server, error });
      this.#exchange.fail(new CallFailure(server, 'internal', 'the gateway failed; its log tells more'));
    }
  }
}

function quoted(text: string): string {
  const short = text.length > maxQuotedChars ? `${text.slice(0, maxQuotedChars)}…` : text;
  return JSON.stringify(short);
}
