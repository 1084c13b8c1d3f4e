/** A position in a trace, as the members of `_meta` that carry it. W3C Trace Context, SEP-414. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | null;
}

/** A value of an attribute of a span. */
type TraceValue = string | number | boolean;
export type TraceAttributes = Readonly<Record<string, TraceValue>>;

/** An operation that is being traced. */
export interface TraceSpan extends TraceContext {
  /** Begins an operation at another server that is part of this one. */
  client(name: string, attributes: TraceAttributes): TraceSpan;
  set(name: string, value: TraceValue): void;
  /** Marks the operation as failed. @param type of the error, from a small set; @param message fit to be shown */
  fail(type: string, message?: string): void;
  end(): void;
}

/** Makes spans and exports them. */
export interface Tracing {
  /**
   * Begins the answer to a client's request.
   * @param parent in which the client sent it
   * @param linked the `traceparent` of the HTTP request that carried it
   */
  server(
    name: string,
    attributes: TraceAttributes,
    parent: TraceContext | null,
    linked: string | null,
  ): TraceSpan;
  /** Exports what is left, within a few seconds. Never rejects. */
  stop(): Promise<void>;
}
