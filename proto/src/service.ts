/** Services as tables, and the types of clients and handlers that follow from them. */
import type { Input, MessageType } from './message.ts';

export type MethodKind = 'unary' | 'server_stream' | 'bidi';

/** One rpc of the IDL. */
export interface Method<Request, Response, Kind extends MethodKind = MethodKind> {
  /** As in the IDL: `ListStatuses`. */
  readonly name: string;
  readonly kind: Kind;
  readonly request: MessageType<Request>;
  readonly response: MessageType<Response>;
}

// `never` and `unknown` stand where any message fits: requests are consumed, responses produced.
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a bound that every method satisfies has no other spelling
export type AnyMethod = Method<any, any>;

/** A service of the IDL; methods by their name in camel case. */
export interface Service<
  Methods extends Readonly<Record<string, AnyMethod>> = Readonly<Record<string, AnyMethod>>,
> {
  /** `containerd.services.images.v1.Images` */
  readonly serviceName: string;
  readonly methods: Methods;
}

/** How one call differs from the client's defaults. */
export interface CallOptions {
  namespace?: string;
  /** Everything that the call creates is kept by this lease. */
  lease?: string;
  /** From now; without it the call may take as long as it takes. */
  deadlineMs?: number;
  signal?: AbortSignal;
  /** Further metadata (`traceparent`); keys in lower case. */
  metadata?: Readonly<Record<string, string>>;
}

/** Both directions of a bidirectional call. Iteration ends with the server's end and throws what the server reports. */
export interface BidiCall<Request, Response> extends AsyncIterable<Response> {
  /** Resolves when the transport took the message; rejects once the call has failed. */
  write(message: Input<Request>): Promise<void>;
  /** Nothing more will be written. */
  end(): void;
  /** Gives the call up. */
  cancel(): void;
}

type ClientMethod<M> =
  M extends Method<infer Request, infer Response, infer Kind>
    ? Kind extends 'unary'
      ? (request: Input<Request>, options?: CallOptions) => Promise<Response>
      : Kind extends 'server_stream'
        ? (request: Input<Request>, options?: CallOptions) => AsyncIterable<Response>
        : (options?: CallOptions) => BidiCall<Request, Response>
    : never;

/** A client of service S: async functions, async iterables. Statuses arrive as StackError. */
export type Client<S extends Service> = {
  readonly [M in keyof S['methods']]: ClientMethod<S['methods'][M]>;
};

/** What a handler knows about the call beside its message. */
export interface CallContext {
  /** Empty where the caller sent none; see {@link requireNamespace}. */
  namespace: string;
  lease: string | undefined;
  /** Aborted when the caller has gone or its time is up. */
  signal: AbortSignal;
  /** All metadata, keys in lower case, first value of each. */
  metadata: Readonly<Record<string, string>>;
}

type HandlerMethod<M> =
  M extends Method<infer Request, infer Response, infer Kind>
    ? Kind extends 'unary'
      ? (request: Request, context: CallContext) => Promise<Input<Response>>
      : Kind extends 'server_stream'
        ? (request: Request, context: CallContext) => AsyncIterable<Input<Response>>
        : (requests: AsyncIterable<Request>, context: CallContext) => AsyncIterable<Input<Response>>
    : never;

/** An implementation of service S. What it throws becomes the caller's status. */
export type Handlers<S extends Service> = {
  readonly [M in keyof S['methods']]: HandlerMethod<S['methods'][M]>;
};

/** A service from its table. */
export function defineService<const Methods extends Readonly<Record<string, AnyMethod>>>(
  serviceName: string,
  methods: Methods,
): Service<Methods> {
  return { serviceName, methods };
}

/** An rpc from its row. */
export function defineMethod<Request, Response, Kind extends MethodKind>(
  name: string,
  kind: Kind,
  request: MessageType<Request>,
  response: MessageType<Response>,
): Method<Request, Response, Kind> {
  return { name, kind, request, response };
}
