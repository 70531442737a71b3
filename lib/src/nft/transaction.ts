/**
 * A transaction of nf_tables: commands that take effect together or not at all.
 *
 *     new Transaction('ip').replaceTable('t').addChain('t', {…}).addRule('t', 'c', [...]).commit(connection)
 */
import {
  be32Attribute,
  be64Attribute,
  bytesAttribute,
  nestedAttribute,
  textAttribute,
} from '#lib/netlink/attribute';
import type { NetlinkConnection } from '#lib/netlink/connection';
import {
  errorOf,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLMSG_ERROR,
  type NetlinkRequest,
} from '#lib/netlink/message';
import * as nfta from './attributes.ts';
import type { Phrase } from './expression.ts';
import { batchMessage, families, messageTypes, nfgenmsg, type Family } from './message.ts';
import { encodeComment } from './rule-comment.ts';

const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

/** Where nat and filter chains usually stand. */
export const priorities = { dstnat: -100, filter: 0, srcnat: 100 } as const;

export interface BaseChain {
  readonly name: string;
  readonly type: 'filter' | 'nat';
  readonly hook: keyof typeof hooks;
  readonly priority: number;
}

/**
 * Types of keys with their size, and what nft(8) needs to print them: libnftables' number of the datatype
 * (6 bits for each part of a concatenation) and byte order (1 the machine's, 2 network).
 */
export const setKeys = {
  ipv4Address: { bytes: 4, type: 7, byteOrder: 2 },
  ipv6Address: { bytes: 16, type: 8, byteOrder: 2 },
  interfaceName: { bytes: 16, type: 41, byteOrder: 1 },
  interfacePair: { bytes: 32, type: (41 << 6) | 41, byteOrder: 1 },
  protocolAndPort: { bytes: 8, type: (12 << 6) | 13, byteOrder: 2 },
  addressProtocolAndPort: { bytes: 12, type: (7 << 12) | (12 << 6) | 13, byteOrder: 2 },
  ipv6ProtocolAndPort: { bytes: 24, type: (8 << 12) | (12 << 6) | 13, byteOrder: 2 },
  ipv6AndPort: { bytes: 20, type: (8 << 6) | 13, byteOrder: 2 },
  addressAndPort: { bytes: 8, type: (7 << 6) | 13, byteOrder: 2 },
} as const;

const NFT_SET_INTERVAL = 4;
const NFT_SET_MAP = 8;
const NFTNL_UDATA_SET_KEYBYTEORDER = 0;
const NFT_SET_ELEM_INTERVAL_END = 1;

export interface NftSet {
  readonly name: string;
  readonly key: keyof typeof setKeys;
  /** Holds ranges (subnets) instead of single keys. */
  readonly interval?: boolean;
  /** What each key leads to: the set is a map. */
  readonly data?: keyof typeof setKeys;
}

/** An element of a set: one key, or the first key of a range and the first one behind it. */
export interface SetElement {
  readonly key: Buffer;
  readonly end?: Buffer;
  /** In a map. */
  readonly value?: Buffer;
}

export class Transaction {
  readonly #family: number;
  readonly #requests: NetlinkRequest[] = [];
  #setId = 0;

  constructor(family: Family) {
    this.#family = families[family];
  }

  /** Creates the table, empty, whether or not there was one of this name. */
  replaceTable(table: string): this {
    return this.addTable(table).deleteTable(table).addTable(table);
  }

  /** Creates the table unless it exists. */
  addTable(table: string): this {
    const name = textAttribute(nfta.NFTA_TABLE_NAME, table);
    return this.#add('newTable', NLM_F_CREATE, [name], 'create nft table', table);
  }

  /** Deletes the table with all that is in it; fails with not_found. */
  deleteTable(table: string): this {
    const name = textAttribute(nfta.NFTA_TABLE_NAME, table);
    return this.#add('deleteTable', 0, [name], 'delete nft table', table);
  }

  /** Creates a chain that the kernel enters at a hook; what reaches its end goes on. */
  addChain(table: string, { name, type, hook, priority }: BaseChain): this {
    const attributes = [
      textAttribute(nfta.NFTA_CHAIN_TABLE, table),
      textAttribute(nfta.NFTA_CHAIN_NAME, name),
      nestedAttribute(
        nfta.NFTA_CHAIN_HOOK,
        be32Attribute(nfta.NFTA_HOOK_HOOKNUM, hooks[hook]),
        be32Attribute(nfta.NFTA_HOOK_PRIORITY, priority),
      ),
      textAttribute(nfta.NFTA_CHAIN_TYPE, type),
    ];
    return this.#add('newChain', NLM_F_CREATE, attributes, 'create nft chain', `${table} ${name}`);
  }

  /** Creates a set. */
  addSet(table: string, { name, key, interval = false, data }: NftSet): this {
    const { type, bytes, byteOrder } = setKeys[key];
    const attributes = [
      textAttribute(nfta.NFTA_SET_TABLE, table),
      textAttribute(nfta.NFTA_SET_NAME, name),
      be32Attribute(
        nfta.NFTA_SET_FLAGS,
        (interval ? NFT_SET_INTERVAL : 0) | (data ? NFT_SET_MAP : 0),
      ),
      be32Attribute(nfta.NFTA_SET_KEY_TYPE, type),
      be32Attribute(nfta.NFTA_SET_KEY_LEN, bytes),
      be32Attribute(nfta.NFTA_SET_ID, ++this.#setId),
      bytesAttribute(
        nfta.NFTA_SET_USERDATA,
        Buffer.from([NFTNL_UDATA_SET_KEYBYTEORDER, 4, byteOrder, 0, 0, 0]),
      ),
    ];
    if (data) {
      attributes.push(
        be32Attribute(nfta.NFTA_SET_DATA_TYPE, setKeys[data].type),
        be32Attribute(nfta.NFTA_SET_DATA_LEN, setKeys[data].bytes),
      );
    }
    return this.#add('newSet', NLM_F_CREATE, attributes, 'create nft set', `${table} @${name}`);
  }

  /** Adds elements, if there are any, to a set. */
  addElements(table: string, set: string, elements: readonly SetElement[]): this {
    if (elements.length === 0) return this; // EINVAL for a message without any
    return this.#elements('newSetElement', 'add to nft set', table, set, elements);
  }

  /** Makes `elements` all that is in a set. */
  replaceElements(table: string, set: string, elements: readonly SetElement[]): this {
    this.#elements('deleteSetElement', 'empty nft set', table, set, []);
    return this.addElements(table, set, elements);
  }

  /** Appends a rule to a chain. */
  addRule(table: string, chain: string, phrases: readonly Phrase[]): this {
    const attributes = ruleAttributes(table, chain, phrases);
    return this.#rule(NLM_F_CREATE | NLM_F_APPEND, attributes, table, chain);
  }

  /**
   * Adds a rule with a comment to a chain of somebody else: at its head, or behind the rule with the handle
   * `after`.
   */
  insertRule(
    table: string,
    chain: string,
    phrases: readonly Phrase[],
    { comment, after }: { comment: string; after?: bigint | undefined },
  ): this {
    const attributes = [
      ...ruleAttributes(table, chain, phrases),
      bytesAttribute(nfta.NFTA_RULE_USERDATA, encodeComment(comment)),
    ];
    if (after === undefined) return this.#rule(NLM_F_CREATE, attributes, table, chain);
    attributes.push(be64Attribute(nfta.NFTA_RULE_POSITION, after));
    return this.#rule(NLM_F_CREATE | NLM_F_APPEND, attributes, table, chain);
  }

  /** Deletes the rule with this handle; fails with not_found. */
  deleteRule(table: string, chain: string, handle: bigint): this {
    const attributes = [
      textAttribute(nfta.NFTA_RULE_TABLE, table),
      textAttribute(nfta.NFTA_RULE_CHAIN, chain),
      be64Attribute(nfta.NFTA_RULE_HANDLE, handle),
    ];
    return this.#add('deleteRule', 0, attributes, 'delete nft rule', `${table} ${chain} ${handle}`);
  }

  /** Carries out all commands or, throwing the first one's error, none. */
  commit(connection: NetlinkConnection): void {
    const requests = [batchMessage('begin'), ...this.#requests, batchMessage('end')];
    const { first, answers } = connection.exchange(requests);
    const answered = new Set<number>();
    for (const message of answers) {
      const request = requests[message.sequence - first];
      if (message.type !== NLMSG_ERROR || !request) continue;
      const failure = errorOf(message, request);
      if (failure) throw failure;
      answered.add(message.sequence);
    }
    if (answered.size !== this.#requests.length) {
      throw new Error(`nft transaction: ${answered.size} of ${this.#requests.length} answered`);
    }
  }

  #elements(
    type: 'newSetElement' | 'deleteSetElement',
    operation: string,
    table: string,
    set: string,
    elements: readonly SetElement[],
  ): this {
    const list = elements.flatMap(({ key, end, value }) =>
      end
        ? [element(key), element(end, { flags: NFT_SET_ELEM_INTERVAL_END })]
        : [element(key, { value })],
    );
    const attributes = [
      textAttribute(nfta.NFTA_SET_ELEM_LIST_TABLE, table),
      textAttribute(nfta.NFTA_SET_ELEM_LIST_SET, set),
      // A deletion without a list empties the set.
      ...(list.length > 0 ? [nestedAttribute(nfta.NFTA_SET_ELEM_LIST_ELEMENTS, ...list)] : []),
    ];
    const flags = type === 'newSetElement' ? NLM_F_CREATE : 0;
    return this.#add(type, flags, attributes, operation, `${table} @${set}`);
  }

  #rule(flags: number, attributes: Buffer[], table: string, chain: string): this {
    return this.#add('newRule', flags, attributes, 'add nft rule', `${table} ${chain}`);
  }

  #add(
    type: keyof typeof messageTypes,
    flags: number,
    attributes: readonly Buffer[],
    operation: string,
    subject: string,
  ): this {
    this.#requests.push({
      type: messageTypes[type],
      flags: flags | NLM_F_ACK,
      payload: Buffer.concat([nfgenmsg(this.#family), ...attributes]),
      operation,
      subject: `"${subject}"`,
    });
    return this;
  }
}

function ruleAttributes(table: string, chain: string, phrases: readonly Phrase[]): Buffer[] {
  return [
    textAttribute(nfta.NFTA_RULE_TABLE, table),
    textAttribute(nfta.NFTA_RULE_CHAIN, chain),
    nestedAttribute(nfta.NFTA_RULE_EXPRESSIONS, ...phrases.flat()),
  ];
}

function element(
  key: Buffer,
  { flags = 0, value }: { flags?: number; value?: Buffer | undefined } = {},
): Buffer {
  const attributes = [
    nestedAttribute(nfta.NFTA_SET_ELEM_KEY, bytesAttribute(nfta.NFTA_DATA_VALUE, key)),
  ];
  if (value) {
    attributes.push(
      nestedAttribute(nfta.NFTA_SET_ELEM_DATA, bytesAttribute(nfta.NFTA_DATA_VALUE, value)),
    );
  }
  if (flags !== 0) attributes.push(be32Attribute(nfta.NFTA_SET_ELEM_FLAGS, flags));
  return nestedAttribute(nfta.NFTA_LIST_ELEM, ...attributes);
}
