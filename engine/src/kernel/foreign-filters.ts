/**
 * Packet filters of others that drop what they have no rule for, and so our containers' packets. A drop in somebody else's chain cannot be
 * overruled from our table, so where iptables' FORWARD chain (docker, ufw, an administrator) drops, it gets one
 * accept rule per direction, tagged by its comment. They are plain enough for iptables-nft to show and keep:
 * `-i engine0 -j ACCEPT`, `-o engine0 -j ACCEPT`; what may come in is decided in our own table.
 */
import fs from 'node:fs';
import { fateIn } from '#lib/nft/fate';
import { counter, interfaceIs, verdict } from '#lib/nft/expression';
import type { Family } from '#lib/nft/message';
import type { AddressFamily } from '#lib/nft/nat';
import { listChains, listRules, type Chain, type Rule } from '#lib/nft/ruleset';
import { Transaction } from '#lib/nft/transaction';
import { isStackError } from '#spec/errors';
import { familiesOf, setDockerBridges, writeFirewall, type FirewallRequest } from './firewall.ts';
import type { Host } from './host.ts';

const NF_INET_FORWARD = 2;
/** Where iptables-nft and ip6tables-nft keep their filter tables. */
const iptables = { table: 'filter', chain: 'FORWARD' } as const;
/** Every engine's table has a name that begins so. */
export const ownTablePrefix = 'engined_';
/** Somebody may change the chain between our look and our rule: the kernel refuses, we look again. */
const attempts = 5;

export interface ForeignFilterRequest {
  /** The engine's own table, written again when somebody flushed the whole ruleset, and its bridges. */
  readonly own: FirewallRequest;
  /** Look even if nobody changed a rule since the last time. */
  readonly force: boolean;
}

/** A chain of somebody else that drops forwarded packets it has no rule for. */
export interface ForeignFilter {
  /** `ip filter FORWARD`, `ip6 filter FORWARD`. */
  readonly chain: string;
  readonly owner: 'docker' | 'ufw' | 'firewalld' | 'iptables' | 'unknown';
  readonly policy: 'accept' | 'drop';
  /** Whether our packets are let through there. */
  readonly accepted: boolean;
}

/** Adds missing accept rules. Undefined when nothing changed since the last time. */
export function checkForeignFilters(
  host: Host,
  { own, force }: ForeignFilterRequest,
): ForeignFilter[] | undefined {
  if (!host.filtersChanged() && !force) return undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const families = familiesOf(own);
      if (!families.every((family) => hasTable(host, family, own.table))) writeFirewall(host, own);
      for (const family of families) {
        setDockerBridges(host, family, own.table, dockerBridges(host, family));
      }
      return allForwardChains(host, families).flatMap((chain) =>
        acceptIn(host, chain, bridgesOf(own, chain.family)),
      );
    } catch (error) {
      if (!isStackError(error, 'not_found') || attempt === attempts) throw error;
    }
  }
}

/** Removes our rules for `bridges` from chains of others. */
export function removeForeignRules(host: Host, { bridges }: { bridges: readonly string[] }): void {
  for (const family of ['ip', 'ip6'] as const) removeRulesOf(host, family, bridges.map(tagOf));
}

function removeRulesOf(host: Host, family: AddressFamily, tags: readonly string[]): void {
  for (let attempt = 1; ; attempt++) {
    try {
      const transaction = new Transaction(family);
      const rules = listRules(host.nft, family, iptables.table);
      const ours = rules.filter(({ comment = '' }) => tags.includes(comment));
      for (const { chain, handle } of ours) transaction.deleteRule(iptables.table, chain, handle);
      if (ours.length > 0) transaction.commit(host.nft);
      return;
    } catch (error) {
      if (!isStackError(error, 'not_found') || attempt === attempts) throw error;
    }
  }
}

function allForwardChains(host: Host, families: readonly AddressFamily[]): Chain[] {
  return [...families, 'inet' as const]
    .flatMap((family) => listChains(host.nft, family))
    .filter(
      ({ hook, type, table }) =>
        hook === NF_INET_FORWARD && type === 'filter' && !table.startsWith(ownTablePrefix),
    );
}

function hasTable(host: Host, family: AddressFamily, table: string): boolean {
  return listChains(host.nft, family).some((chain) => chain.table === table);
}

/** The bridges whose packets a table of this family sees. */
function bridgesOf({ networks }: FirewallRequest, family: Family): string[] {
  const seen = family === 'ip6' ? networks.filter(({ ipv6Subnet }) => ipv6Subnet) : networks;
  return seen.map(({ bridge }) => bridge);
}

/** Links that docker filters: `-o docker0 -j DOCKER`. */
function dockerBridges(host: Host, family: AddressFamily): string[] {
  const rules = listRules(host.nft, family, iptables.table);
  const names = rules.flatMap(({ target, oifname }) =>
    target === 'DOCKER' && oifname !== undefined ? [oifname] : [],
  );
  return [...new Set(names)];
}

/** Comment of the rules that are ours. */
function tagOf(bridge: string): string {
  return `engined:${bridge}`;
}

function acceptIn(host: Host, chain: Chain, bridges: readonly string[]): ForeignFilter[] {
  const rules = listRules(host.nft, chain.family, chain.table);
  const own = rules.filter((rule) => rule.chain === chain.name);
  const fate = fateIn(chain.name, rules);
  const drops = fate === 'dropped' || (fate === 'passed on' && chain.policy === 'drop');
  if (!drops) return [];
  const isIptables =
    chain.family !== 'inet' && chain.table === iptables.table && chain.name === iptables.chain;
  const missing = bridges.filter(
    (bridge) => own.filter(({ comment }) => comment === tagOf(bridge)).length !== 2,
  );
  if (isIptables && missing.length > 0) writeAcceptRules(host, chain.family, own, missing);
  return [
    {
      chain: `${chain.family} ${chain.table} ${chain.name}`,
      owner: ownerOf(chain, own),
      policy: chain.policy ?? 'accept',
      accepted: isIptables,
    },
  ];
}

/** At the head, but behind DOCKER-USER: what an administrator forbids to all containers holds for ours as well. */
function writeAcceptRules(
  host: Host,
  family: Family,
  rules: readonly Rule[],
  bridges: readonly string[],
): void {
  const { table, chain } = iptables;
  const transaction = new Transaction(family);
  const tags = bridges.map(tagOf);
  for (const { comment = '', handle } of rules) {
    if (tags.includes(comment)) transaction.deleteRule(table, chain, handle);
  }
  const after = rules.find(({ target }) => target === 'DOCKER-USER')?.handle;
  for (const bridge of bridges) {
    for (const direction of ['oifname', 'iifname'] as const) {
      const rule = [interfaceIs(direction, bridge), counter(), verdict('accept')];
      transaction.insertRule(table, chain, rule, { comment: tagOf(bridge), after });
    }
  }
  transaction.commit(host.nft);
}

function ownerOf({ table }: Chain, rules: readonly Rule[]): ForeignFilter['owner'] {
  if (table === 'firewalld') return 'firewalld';
  if (rules.some(({ target }) => target?.startsWith('DOCKER'))) return 'docker';
  if (rules.some(({ target }) => /^ufw6?-/.test(target ?? ''))) return 'ufw';
  return table === iptables.table ? 'iptables' : 'unknown';
}

/** Whether iptables-legacy has a filter table: its rules are out of reach of nf_tables. */
export function hasLegacyFilter(): boolean {
  try {
    return fs.readFileSync('/proc/net/ip_tables_names', 'utf8').split('\n').includes('filter');
  } catch {
    return false; // a kernel without it
  }
}
