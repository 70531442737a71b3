/**
 * The device rules of config.json as an eBPF program for BPF_CGROUP_DEVICE. The kernel calls it with every open and
 * mknod of a device in the cgroup; 1 permits, 0 refuses. Rules are tried from the last to the first, so later ones
 * win, and each permission asked for (read, write, mknod) is settled by the last rule that speaks about it.
 */
import type { DeviceRule } from '#spec/oci/resources';
import { ExtendedBpfBuilder } from './extended-bpf.ts';

/** struct bpf_cgroup_dev_ctx: access_type (access << 16 | type), major, minor. */
const CONTEXT = { accessType: 0, major: 4, minor: 8 };
const BPF_DEVCG_DEV_BLOCK = 1;
const BPF_DEVCG_DEV_CHAR = 2;
const accessBits = { m: 1, r: 2, w: 4 } as const;
const ALL_ACCESS = 7;

/** Registers of the program; the context arrives in r1. */
const ANSWER = { permit: 1, refuse: 0 };
const TYPE = 2;
/** What was asked for and no later rule has permitted. */
const WANTED = 3;
const MAJOR = 4;
const MINOR = 5;

/** Instructions (struct bpf_insn) for `rules`; what no rule permits is refused. */
export function deviceProgram(rules: readonly DeviceRule[]): Buffer {
  const builder = new ExtendedBpfBuilder();
  builder.load(TYPE, 1, CONTEXT.accessType);
  builder.move(WANTED, TYPE);
  builder.and(TYPE, 0xffff);
  builder.shiftRight(WANTED, 16);
  builder.load(MAJOR, 1, CONTEXT.major);
  builder.load(MINOR, 1, CONTEXT.minor);
  for (const rule of relevantRules(rules).toReversed()) emitRule(builder, rule);
  builder.exit(ANSWER.refuse);
  return builder.build();
}

/** A rule about everything hides those before it, and the program ends in a refusal anyway. */
function relevantRules(rules: readonly DeviceRule[]): readonly DeviceRule[] {
  const last = rules.findLastIndex((rule) => matchesAll(rule));
  const rule = rules[last];
  return rule ? rules.slice(rule.allow ? last : last + 1) : rules;
}

function matchesAll({ type = 'a', major = -1, minor = -1, access }: DeviceRule): boolean {
  return type === 'a' && major < 0 && minor < 0 && accessMask(access) === ALL_ACCESS;
}

function emitRule(builder: ExtendedBpfBuilder, rule: DeviceRule): void {
  const { allow, type = 'a', major = -1, minor = -1 } = rule;
  const mask = accessMask(rule.access);
  const next = builder.label();
  if (type !== 'a') {
    const kind = type === 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    builder.jumpIf(TYPE, 'not equal', kind, next);
  }
  if (major >= 0) builder.jumpIf(MAJOR, 'not equal', major, next);
  if (minor >= 0) builder.jumpIf(MINOR, 'not equal', minor, next);
  if (allow) {
    if (mask !== ALL_ACCESS) {
      builder.and(WANTED, ALL_ACCESS & ~mask);
      builder.jumpIf(WANTED, 'not equal', 0, next);
    }
    builder.exit(ANSWER.permit);
  } else {
    const refuse = builder.label();
    if (mask !== ALL_ACCESS) {
      builder.jumpIf(WANTED, 'set', mask, refuse);
      builder.jumpIf(WANTED, 'not equal', 0, next);
    }
    builder.place(refuse);
    builder.exit(ANSWER.refuse);
  }
  builder.place(next);
}

function accessMask(access: string | undefined): number {
  if (!access) return ALL_ACCESS;
  return Object.entries(accessBits)
    .filter(([letter]) => access.includes(letter))
    .reduce((mask, [, bit]) => mask | bit, 0);
}
