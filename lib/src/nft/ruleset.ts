/** Chains and rules that exist, whoever made them. */
import { parseAttributeList, parseAttributes, textAttribute, textOf } from '#lib/netlink/attribute';
import type { NetlinkConnection } from '#lib/netlink/connection';
import * as nfta from './attributes.ts';
import { families, messageTypes, nfgenmsg, nfgenmsgBytes, type Family } from './message.ts';
import { decodeComment } from './rule-comment.ts';

const NF_DROP = 0;

/** A chain; hook, type and policy are those of a chain that the kernel enters by itself. */
export interface Chain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly type: string | undefined;
  /** NF_INET_… number; 2 is forward. */
  readonly hook: number | undefined;
  readonly policy: 'accept' | 'drop' | undefined;
}

/** A rule, as far as somebody who did not write it needs to understand it. */
export interface Rule {
  readonly chain: string;
  readonly handle: bigint;
  readonly comment: string | undefined;
  /** It can discard a packet by itself. */
  readonly drops: boolean;
  /** The chain it jumps or goes to. */
  readonly jump: string | undefined;
}

/** All chains of all tables of a family. */
export function listChains(connection: NetlinkConnection, family: Family): Chain[] {
  const messages = connection.dump({
    type: messageTypes.getChain,
    payload: nfgenmsg(families[family]),
    operation: 'list nft chains',
    subject: family,
  });
  return messages.map(({ payload }) => {
    const attributes = parseAttributes(payload.subarray(nfgenmsgBytes));
    const hook = attributes.get(nfta.NFTA_CHAIN_HOOK);
    const policy = attributes.get(nfta.NFTA_CHAIN_POLICY)?.readUInt32BE(0);
    return {
      family,
      table: optionalText(attributes.get(nfta.NFTA_CHAIN_TABLE)) ?? '',
      name: optionalText(attributes.get(nfta.NFTA_CHAIN_NAME)) ?? '',
      type: optionalText(attributes.get(nfta.NFTA_CHAIN_TYPE)),
      hook: hook && parseAttributes(hook).get(nfta.NFTA_HOOK_HOOKNUM)?.readUInt32BE(0),
      policy: policy === undefined ? undefined : policy === NF_DROP ? 'drop' : 'accept',
    };
  });
}

/** The rules of a table in their order; none if there is no such table. */
export function listRules(connection: NetlinkConnection, family: Family, table: string): Rule[] {
  const messages = connection.dump({
    type: messageTypes.getRule,
    payload: Buffer.concat([
      nfgenmsg(families[family]),
      textAttribute(nfta.NFTA_RULE_TABLE, table),
    ]),
    operation: 'list nft rules',
    subject: `${family} ${table}`,
  });
  return messages.map(({ payload }) => {
    const attributes = parseAttributes(payload.subarray(nfgenmsgBytes));
    const userData = attributes.get(nfta.NFTA_RULE_USERDATA);
    return {
      chain: optionalText(attributes.get(nfta.NFTA_RULE_CHAIN)) ?? '',
      handle: attributes.get(nfta.NFTA_RULE_HANDLE)?.readBigUInt64BE(0) ?? 0n,
      comment: userData && decodeComment(userData),
      ...effectOf(attributes.get(nfta.NFTA_RULE_EXPRESSIONS) ?? Buffer.alloc(0)),
    };
  });
}

/** What a rule's verdict does; a verdict map (`vmap`) counts as one that may drop. */
function effectOf(expressions: Buffer): Pick<Rule, 'drops' | 'jump'> {
  let drops = false;
  let jump: string | undefined;
  for (const { payload } of parseAttributeList(expressions)) {
    const expression = parseAttributes(payload);
    const data = parseAttributes(expression.get(nfta.NFTA_EXPR_DATA) ?? Buffer.alloc(0));
    switch (optionalText(expression.get(nfta.NFTA_EXPR_NAME))) {
      case 'immediate': {
        const { code, chain } = verdictOf(data.get(nfta.NFTA_IMMEDIATE_DATA));
        drops ||= code === NF_DROP;
        jump ??= chain;
        break;
      }
      case 'reject':
        drops = true;
        break;
      case 'target': // an xtables target that iptables-nft uses as it is
        drops ||= ['REJECT', 'DROP'].includes(optionalText(data.get(nfta.NFTA_TARGET_NAME)) ?? '');
        break;
      case 'lookup':
        drops ||= data.get(nfta.NFTA_LOOKUP_DREG)?.readUInt32BE(0) === 0;
        break;
    }
  }
  return { drops, jump };
}

function verdictOf(data: Buffer | undefined): { code?: number; chain?: string } {
  const verdict = data && parseAttributes(data).get(nfta.NFTA_DATA_VERDICT);
  if (!verdict) return {};
  const attributes = parseAttributes(verdict);
  const code = attributes.get(nfta.NFTA_VERDICT_CODE)?.readUInt32BE(0);
  const chain = optionalText(attributes.get(nfta.NFTA_VERDICT_CHAIN));
  return { ...(code !== undefined && { code }), ...(chain !== undefined && { chain }) };
}

function optionalText(payload: Buffer | undefined): string | undefined {
  return payload && textOf(payload);
}
