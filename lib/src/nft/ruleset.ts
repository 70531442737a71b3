/** Chains and rules that exist, whoever made them. */
import {
  parseAttributeList,
  parseAttributes,
  textAttribute,
  textOf,
  type AttributeMap,
} from '#lib/netlink/attribute';
import type { NetlinkConnection } from '#lib/netlink/connection';
import * as nfta from './attributes.ts';
import { metaKeys } from './instruction.ts';
import { families, messageTypes, nfgenmsg, nfgenmsgBytes, type Family } from './message.ts';
import { decodeComment } from './rule-comment.ts';

const NF_DROP = 0;
/** NF_… and NFT_… verdict codes. */
const verdicts: ReadonlyMap<number, Rule['verdict']> = new Map([
  [NF_DROP, 'drop'],
  [1, 'accept'],
  [-3, 'jump'],
  [-4, 'goto'],
  [-5, 'return'],
]);

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
  /** It applies to some packets only; a rule without a condition applies to all. */
  readonly conditional: boolean;
  /** What becomes of a packet that it applies to; undefined when that just goes on to the next rule. */
  readonly verdict: 'accept' | 'drop' | 'return' | 'jump' | 'goto' | undefined;
  /** The chain of jump and goto. */
  readonly target: string | undefined;
  /** It applies only to packets that leave by this link. */
  readonly oifname: string | undefined;
}

type Effect = Pick<Rule, 'conditional' | 'verdict' | 'target' | 'oifname'>;

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

/** Conditions are all expressions but those named here: verdicts, and what only watches packets go by. */
function effectOf(expressions: Buffer): Effect {
  let effect: Effect = {
    ...{ conditional: false, verdict: undefined, target: undefined },
    oifname: undefined,
  };
  let loaded: number | undefined;
  for (const { payload } of parseAttributeList(expressions)) {
    const expression = parseAttributes(payload);
    const data = parseAttributes(expression.get(nfta.NFTA_EXPR_DATA) ?? Buffer.alloc(0));
    switch (optionalText(expression.get(nfta.NFTA_EXPR_NAME))) {
      case 'counter':
      case 'log':
        break;
      case 'immediate':
        effect = { ...effect, ...verdictOf(data.get(nfta.NFTA_IMMEDIATE_DATA)) };
        break;
      case 'reject':
        effect = { ...effect, verdict: 'drop' };
        break;
      case 'target': // an xtables target that iptables-nft uses as it is
        if (optionalText(data.get(nfta.NFTA_TARGET_NAME)) === 'REJECT') {
          effect = { ...effect, verdict: 'drop' };
        }
        break;
      case 'match': // an xtables match
        if (optionalText(data.get(nfta.NFTA_MATCH_NAME)) === 'comment') break;
        effect = { ...effect, conditional: true };
        break;
      case 'meta':
        loaded = data.get(nfta.NFTA_META_KEY)?.readUInt32BE(0);
        effect = { ...effect, conditional: true };
        break;
      case 'cmp':
        effect = { ...effect, conditional: true };
        if (loaded === metaKeys.oifname) effect = { ...effect, oifname: comparedName(data) };
        loaded = undefined;
        break;
      default:
        effect = { ...effect, conditional: true };
    }
  }
  return effect;
}

/** The interface name that a comparison demands; undefined for `!=` and for beginnings of names (`br+`, which lack the zero byte). */
function comparedName(comparison: AttributeMap): string | undefined {
  const value = comparison.get(nfta.NFTA_CMP_DATA);
  const name = value && parseAttributes(value).get(nfta.NFTA_DATA_VALUE);
  const isEqual = comparison.get(nfta.NFTA_CMP_OP)?.readUInt32BE(0) === 0;
  return isEqual && name?.includes(0) === true ? textOf(name) : undefined;
}

function verdictOf(data: Buffer | undefined): Partial<Effect> {
  const verdict = data && parseAttributes(data).get(nfta.NFTA_DATA_VERDICT);
  if (!verdict) return {}; // a value for a register
  const attributes = parseAttributes(verdict);
  const code = attributes.get(nfta.NFTA_VERDICT_CODE)?.readInt32BE(0);
  return {
    verdict: verdicts.get(code ?? NaN),
    target: optionalText(attributes.get(nfta.NFTA_VERDICT_CHAIN)),
  };
}

function optionalText(payload: Buffer | undefined): string | undefined {
  return payload && textOf(payload);
}
