/** What a chain does with a packet that meets no condition: the fate of traffic nobody made a rule for. */
import type { Rule } from './ruleset.ts';

/** `passed on`: the chain's end was reached, and its caller or its policy decides. */
export type Fate = 'accepted' | 'dropped' | 'passed on';

/** @param rules of the whole table, in their order. Rules that apply to some packets only are skipped. */
export function fateIn(chain: string, rules: readonly Rule[]): Fate {
  for (const rule of rules) {
    if (rule.chain !== chain || rule.conditional) continue;
    switch (rule.verdict) {
      case 'accept':
        return 'accepted';
      case 'drop':
        return 'dropped';
      case 'return':
        return 'passed on';
      case 'goto':
        return fateIn(rule.target ?? '', rules); // nf_tables refuses loops
      case 'jump': {
        const fate = fateIn(rule.target ?? '', rules);
        if (fate !== 'passed on') return fate;
        break;
      }
      case undefined:
        break;
    }
  }
  return 'passed on';
}
