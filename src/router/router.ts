import { CallFailure, GatewayError } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import type { Redactor } from '../observability/redact.ts';
import { unknownTool } from '../observability/upstream-metrics.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { withMember } from '../protocol/json-text.ts';
import { isObject } from '../protocol/jsonrpc.ts';
import { splitQualified } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Connection } from '../upstream/connection.ts';
import { UpstreamFailure } from '../upstream/failure.ts';
import type { UpstreamTool } from '../upstream/legacy-session.ts';

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
  readonly #registry: Registry;
  readonly #connection: (server: string) => Connection | undefined;
  readonly #redactor: Redactor;
  readonly #logger: Logger;

  constructor({ registry, connection, redactor, logger }: RouterParts) {
    this.#registry = registry;
    this.#connection = connection;
    this.#redactor = redactor;
    this.#logger = logger;
  }

  /**
   * Answers one request, at once where that needs no upstream. Throws, or rejects with, a {@link GatewayError} where
   * the gateway itself has to refuse or to give up.
   */
  handle(exchange: Exchange): Answer | Promise<Answer> {
    switch (exchange.method) {
      case 'tools/call':
        return this.#callTool(exchange);
      case 'tools/list':
        return this.#listTools(exchange);
      default:
        throw new GatewayError('method_not_found', `Method not found: ${quoted(exchange.method)}`);
    }
  }

  #listTools(exchange: Exchange): Answer {
    // The list is one page, so there never was a cursor to come back with.
    if (exchange.params?.cursor !== undefined) {
      throw new GatewayError('invalid_params', 'tools/list: unknown cursor; list again without one');
    }
    return { kind: 'result', result: this.#registry.toolsList() };
  }

  #callTool(exchange: Exchange): Promise<Answer> {
    const name = exchange.params?.name;
    const args = exchange.params?.arguments;
    if (typeof name !== 'string')
      throw new GatewayError('invalid_params', 'tools/call: "name" must be a string');
    if (args !== undefined && !isObject(args)) {
      throw new GatewayError('invalid_params', 'tools/call: "arguments" must be an object');
    }
    const parts = splitQualified(name);
    const connection = parts ? this.#connection(parts.server) : undefined;
    const tool = parts ? this.#registry.find(parts.server, parts.name) : undefined;
    // Of an upstream that is down the tools may not be known yet: that it is down is then the better answer.
    if (!parts || !connection || (!tool && connection.connected())) {
      throw new GatewayError('invalid_params', `Unknown tool: ${quoted(name)}`);
    }

    return this.#forward(exchange, connection, parts.name, tool);
  }

  /** Has the upstream answer a call of its tool `name`, and counts how that went. */
  async #forward(
    exchange: Exchange,
    connection: Connection,
    name: string,
    tool: UpstreamTool | undefined,
  ): Promise<Answer> {
    const server = connection.name;
    const metrics = connection.metrics.tool(tool?.name ?? unknownTool);
    try {
      const nameText = tool?.nameText ?? JSON.stringify(name);
      const paramsText = withMember(exchange.paramsText as string, 'name', nameText);
      const answer = await connection.call(exchange, paramsText, tool?.repeatable ?? false);
      if (answer.error) {
        metrics.failed('upstream_returned_error');
        return { kind: 'error', error: this.#redactor.redactJson(answer.text) };
      }
      // Upstreams that fail tend to quote what they were sent, our credentials with it.
      const result = answer.isError ? this.#redactor.redactJson(answer.text) : (answer.bytes ?? answer.text);
      return { kind: 'result', result };
    } catch (error) {
      if (error instanceof UpstreamFailure) {
        metrics.failed(error.reason);
        this.#logger.debug('a call failed', {
          server,
          tool: name,
          reason: error.reason,
          cause: error.message,
        });
        throw new CallFailure(server, error.reason, `upstream "${server}": ${error.message}`);
      }
      metrics.failed('internal');
      this.#logger.error('a call failed inside the gateway', { server, error });
      throw new CallFailure(server, 'internal', 'the gateway failed; its log tells more');
    } finally {
      metrics.called((performance.now() - exchange.startMs) / 1000);
    }
  }
}

function quoted(text: string): string {
  const short = text.length > maxQuotedChars ? `${text.slice(0, maxQuotedChars)}…` : text;
  return JSON.stringify(short);
}
