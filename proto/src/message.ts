/**
 * Messages as tables: what scripts/generate.ts writes for each message of the IDL, and what encodes and decodes
 * by such a table. Nothing parses .proto files at run time, and a bundle holds only the messages that it uses.
 *
 * Decoded messages have every scalar, list and map filled in (proto3 defaults); absent messages and absent
 * `optional` fields are left out. int64 and uint64 are numbers: sizes and times stay below 2^53, and the one
 * common exception, the largest uint64 (`max` of a cgroup), survives the way there and back.
 */
import { TableMessage } from './message-codec.ts';

/** Protobuf's scalar types that containerd uses. */
export type ScalarType =
  'bool' | 'bytes' | 'double' | 'int32' | 'int64' | 'string' | 'uint32' | 'uint64';

/** An enum of the IDL: names to numbers, the name for 0 first. */
export interface EnumType<Name extends string = string> {
  readonly enumName: string;
  readonly numbers: Readonly<Record<Name, number>>;
}

/** A message of the IDL. */
export interface MessageType<T> {
  /** `containerd.events.TaskExit`: also its type URL in an Any. */
  readonly typeName: string;
  encode(message: Input<T>): Buffer;
  /** Throws invalid_argument for what is not such a message. */
  decode(data: Uint8Array): T;
}

/** What a sender has to say: any part of T; what is left out has its default. */
export type Input<T> = { readonly [K in keyof T]?: InputValue<T[K]> | undefined };
type InputValue<V> = V extends Uint8Array
  ? Uint8Array
  : V extends readonly (infer Element)[]
    ? readonly InputValue<Element>[]
    : V extends object
      ? Input<V>
      : V;

/** A message type whose message does not matter here. */
export interface AnyMessageType {
  readonly typeName: string;
  encode(message: never): Buffer;
  decode(data: Uint8Array): unknown;
}

export type FieldType = ScalarType | EnumType | AnyMessageType;
/** Number, name, type, and how often: once, possibly absent, as a list, or as values of a map with text keys. */
export type Field = readonly [
  number: number,
  name: string,
  type: FieldType,
  cardinality?: 'optional' | 'repeated' | 'map',
];

/** A message type from its table. The table is a function because messages may refer to later ones. */
export function defineMessage<T>(typeName: string, fields: () => readonly Field[]): MessageType<T> {
  return new TableMessage(typeName, fields) as MessageType<unknown> as MessageType<T>; // the generator wrote T from the same IDL
}

/** An enum type from its names and numbers. */
export function defineEnum<const Numbers extends Readonly<Record<string, number>>>(
  enumName: string,
  numbers: Numbers,
): EnumType<Extract<keyof Numbers, string>> {
  return { enumName, numbers };
}
