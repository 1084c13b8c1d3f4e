import { GatewayError, messageOf } from '../../errors.ts';
import { isAlive } from '../../process/is-alive.ts';
import { type SseEvent, SseParser } from '../../protocol/sse-codec.ts';
import { type FoundGateway, readGatewayFiles, removeGatewayFile } from '../../state/gateway-file.ts';
import type { GatewayLocation } from './gateway-location.ts';

/** A gateway on this machine answers within this time, unless it hangs. */
const probeTimeoutMs = 3_000;
/** How long a request may take: a reload reads files, and a list of very many tools is long. */
const requestTimeoutMs = 30_000;
/** Longer answers are refused. */
const maxBodyBytes = 64 * 1024 * 1024;
const maxEventChars = 16 * 1024 * 1024;
/** A stream brings a comment at least every 15 s. */
const streamIdleMs = 60_000;

/** What became of a request: the status and the JSON value of its body. */
interface AdminAnswer {
  readonly status: number;
  readonly value: unknown;
}

/** A gateway that runs on this machine, and its endpoints below `/-/`. */
export class RunningGateway {
  readonly #file: FoundGateway;

  constructor(file: FoundGateway) {
    this.#file = file;
  }

  /** Its `/mcp` endpoint. */
  get url(): string {
    return this.#file.url;
  }
  get port(): number {
    return this.#file.port;
  }
  /** The absolute path of its configuration; null: it has none. */
  get config(): string | null {
    return this.#file.config;
  }
  get version(): string {
    return this.#file.version;
  }
  /** Its admin token, which opens the endpoints below `/-/` and no others. */
  get token(): string {
    return this.#file.token;
  }

  /** The JSON value at a path such as `/-/servers`. Throws a {@link GatewayError} that says what is wrong. */
  get(path: string): Promise<unknown> {
    return this.#json('GET', path, undefined);
  }

  /** Posts JSON, by default an empty object. Throws like {@link get}. */
  post(path: string, body: unknown = {}): Promise<unknown> {
    return this.#json('POST', path, body);
  }

  /** The events of a stream, until it ends or the signal is aborted. Throws like {@link get}. */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<SseEvent> {
    const idle = new AbortController();
    const cancel = AbortSignal.any([signal, idle.signal]);
    const response = await this.#fetch('GET', path, undefined, cancel);
    if (!response.ok || response.body === null) throw this.#refusal(await answerOf(response));
    const parser = new SseParser(maxEventChars);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    try {
      for (;;) {
        const timer = setTimeout(() => idle.abort(), streamIdleMs);
        const { done, value } = await reader.read().finally(() => clearTimeout(timer));
        if (done) return;
        yield* parser.push(value);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw this.#unreachable(error);
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  /** Whether it is the gateway that wrote the file. Throws like {@link get}, and any error of the connection. */
  async isItself(): Promise<boolean> {
    const response = await this.#fetch('GET', '/-/servers', undefined, AbortSignal.timeout(probeTimeoutMs));
    const { status, value } = await answerOf(response);
    if (status !== 200 || typeof value !== 'object' || value === null) return false;
    const { pid, started_at } = value as Record<string, unknown>;
    return pid === this.#file.pid && started_at === this.#file.started_at;
  }

  async #json(method: 'GET' | 'POST', path: string, body: unknown): Promise<unknown> {
    let answer: AdminAnswer;
    try {
      answer = await answerOf(await this.#fetch(method, path, body, AbortSignal.timeout(requestTimeoutMs)));
    } catch (error) {
      throw error instanceof GatewayError ? error : this.#unreachable(error);
    }
    if (answer.status !== 200) throw this.#refusal(answer);
    return answer.value;
  }

  #fetch(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    // The types do not know that false keeps the proxy of the environment out, which would get the token.
    const options = { proxy: false } as unknown as BunFetchRequestInit;
    return fetch(new URL(path, this.url), {
      ...options,
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal,
    });
  }

  #refusal({ status, value }: AdminAnswer): GatewayError {
    const said = (value as { error?: unknown } | null)?.error;
    const why = typeof said === 'string' ? said : `it answered HTTP ${status}`;
    return new GatewayError('unavailable', `the gateway at ${this.url} refused: ${why}`);
  }

  #unreachable(error: unknown): GatewayError {
    const why = isTimeout(error) ? 'it does not answer in time' : messageOf(error);
    return new GatewayError('unavailable', `the gateway at ${this.url} cannot be reached: ${why}`);
  }
}

/**
 * Finds the running gateway: the one of the port, else the only one that answers. Files of gateways that are gone are removed: their
 * process has ended, or another program has their port by now. Resolves to null if none runs.
 * @throws GatewayError('usage') if several others run
 */
export async function findRunningGateway({
  directory,
  port,
}: GatewayLocation): Promise<RunningGateway | null> {
  if (directory === null) return null;
  const files = readGatewayFiles(directory);
  const own = files.find((file) => file.port === port);
  const found = own && (await answering(directory, own));
  if (found) return found;
  const others = await Promise.all(
    files.filter((file) => file !== own).map((file) => answering(directory, file)),
  );
  const running = others.filter((gateway) => gateway !== null);
  if (running.length < 2) return running[0] ?? null;
  const urls = running.map(({ url }) => url).join(', ');
  throw new GatewayError(
    'usage',
    `several gateways run (${urls}): pass --config with the configuration of the one that you mean`,
  );
}

/**
 * Like {@link findRunningGateway}, but throws a {@link GatewayError} if none runs.
 * @param advice the message then: what to do
 */
export async function runningGateway(
  location: GatewayLocation,
  advice = 'no gateway runs; start one: mcpstead serve',
): Promise<RunningGateway> {
  const gateway = await findRunningGateway(location);
  if (gateway) return gateway;
  throw new GatewayError('unavailable', advice);
}

/** The gateway of a file if it answers, else null. */
async function answering(directory: string, file: FoundGateway): Promise<RunningGateway | null> {
  const gateway = new RunningGateway(file);
  let isGone: boolean;
  try {
    if (await gateway.isItself()) return gateway;
    isGone = true;
  } catch (error) {
    // A process that does not answer in time may only be busy. All else is no gateway.
    isGone = !isTimeout(error) || !isAlive(file.pid);
  }
  if (isGone) removeGatewayFile(directory, file.port, file);
  return null;
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

/** Reads a body within its bound. A body that is no JSON gives null. */
async function answerOf(response: Response): Promise<AdminAnswer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > maxBodyBytes)
      throw new GatewayError('unavailable', 'the gateway sent more than 64 MiB, which was not expected');
    parts.push(part);
  }
  try {
    return { status: response.status, value: JSON.parse(Buffer.concat(parts).toString()) };
  } catch {
    return { status: response.status, value: null };
  }
}
