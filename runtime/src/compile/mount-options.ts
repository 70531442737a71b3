/** Mount options of config.json (runtime-spec config.md, "Linux mount options") as what the mount calls take. */
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from './kernel-constants.ts';

/** Bits for mount_setattr(2). */
export interface AttributeChange {
  set: number;
  clear: number;
}

export interface Propagation {
  /** MS_SHARED, … */
  readonly type: number;
  readonly recursive: boolean;
}

export interface MountOptions {
  readonly bind: boolean;
  /** `rbind`: with what is mounted below the source. */
  readonly recursive: boolean;
  readonly remount: boolean;
  /** Of this mount. */
  readonly attributes: AttributeChange;
  /** Of this mount and all below (`rro`, …). */
  readonly recursiveAttributes: AttributeChange;
  readonly propagation: readonly Propagation[];
  /** Flags of the file system itself, by the names fsconfig(2) takes: `sync`, `lazytime`, … */
  readonly superblock: readonly string[];
  /** Everything else: parameters of the file system, `key=value` or `key`. */
  readonly data: readonly string[];
  readonly copyUp: boolean;
  /** `idmap` or `ridmap`. */
  readonly idMap?: string;
}

/** Sets some bits and clears others; only the bits that an option names change. */
const attributeOptions: ReadonlyMap<string, AttributeChange> = new Map(
  Object.entries({
    ro: { set: MOUNT_ATTR_RDONLY, clear: 0 },
    rw: { set: 0, clear: MOUNT_ATTR_RDONLY },
    nosuid: { set: MOUNT_ATTR_NOSUID, clear: 0 },
    suid: { set: 0, clear: MOUNT_ATTR_NOSUID },
    nodev: { set: MOUNT_ATTR_NODEV, clear: 0 },
    dev: { set: 0, clear: MOUNT_ATTR_NODEV },
    noexec: { set: MOUNT_ATTR_NOEXEC, clear: 0 },
    exec: { set: 0, clear: MOUNT_ATTR_NOEXEC },
    noatime: { set: MOUNT_ATTR_NOATIME, clear: MOUNT_ATTR__ATIME },
    strictatime: { set: MOUNT_ATTR_STRICTATIME, clear: MOUNT_ATTR__ATIME },
    relatime: { set: 0, clear: MOUNT_ATTR__ATIME },
    atime: { set: 0, clear: MOUNT_ATTR__ATIME },
    norelatime: { set: 0, clear: MOUNT_ATTR__ATIME },
    nostrictatime: { set: 0, clear: MOUNT_ATTR__ATIME },
    nodiratime: { set: MOUNT_ATTR_NODIRATIME, clear: 0 },
    diratime: { set: 0, clear: MOUNT_ATTR_NODIRATIME },
    nosymfollow: { set: MOUNT_ATTR_NOSYMFOLLOW, clear: 0 },
    symfollow: { set: 0, clear: MOUNT_ATTR_NOSYMFOLLOW },
  }),
);

const propagationOptions: ReadonlyMap<string, Propagation> = new Map(
  Object.entries({
    shared: { type: MS_SHARED, recursive: false },
    slave: { type: MS_SLAVE, recursive: false },
    private: { type: MS_PRIVATE, recursive: false },
    unbindable: { type: MS_UNBINDABLE, recursive: false },
    rshared: { type: MS_SHARED, recursive: true },
    rslave: { type: MS_SLAVE, recursive: true },
    rprivate: { type: MS_PRIVATE, recursive: true },
    runbindable: { type: MS_UNBINDABLE, recursive: true },
  }),
);

/** Flags of mount(2) that belong to the file system; the new mount calls know them as parameters. */
const superblockOptions: ReadonlySet<string> = new Set([
  'sync',
  'async',
  'dirsync',
  'lazytime',
  'nolazytime',
  'mand',
  'nomand',
]);

/** Without effect: what they ask for is the default, or has no counterpart in the mount calls of today. */
const ignored: ReadonlySet<string> = new Set([
  'defaults',
  'loud',
  'silent',
  'iversion',
  'noiversion',
]);

export function propagationOf(name: string): Propagation | undefined {
  return propagationOptions.get(name);
}

export function parseMountOptions(options: readonly string[]): MountOptions {
  const attributes = { set: 0, clear: 0 };
  const recursiveAttributes = { set: 0, clear: 0 };
  const propagation: Propagation[] = [];
  const superblock: string[] = [];
  const data: string[] = [];
  const words = new Set(options);
  for (const option of options) {
    const attribute = attributeOptions.get(option);
    const recursive = option.startsWith('r') ? attributeOptions.get(option.slice(1)) : undefined;
    const propagated = propagationOptions.get(option);
    if (attribute) change(attributes, attribute);
    else if (recursive) change(recursiveAttributes, recursive);
    else if (propagated) propagation.push(propagated);
    else if (superblockOptions.has(option)) superblock.push(option);
    else if (!ignored.has(option) && !structural.has(option)) data.push(option);
  }
  const idMap = ['idmap', 'ridmap'].find((option) => words.has(option));
  return {
    bind: words.has('bind') || words.has('rbind'),
    recursive: words.has('rbind'),
    remount: words.has('remount'),
    attributes,
    recursiveAttributes,
    propagation,
    superblock,
    data,
    copyUp: words.has('tmpcopyup'),
    ...(idMap && { idMap }),
  };
}

/** Options that say how to mount rather than with what. */
const structural: ReadonlySet<string> = new Set([
  'bind',
  'rbind',
  'remount',
  'tmpcopyup',
  'idmap',
  'ridmap',
]);

/** The later option wins. */
function change(target: AttributeChange, { set, clear }: AttributeChange): void {
  target.set = (target.set & ~clear) | set;
  target.clear = (target.clear & ~set) | clear;
}

/** Every option that is understood by itself, sorted; what else is given goes to the file system. */
export function knownMountOptions(): string[] {
  const recursive = [...attributeOptions.keys()].map((option) => `r${option}`);
  const names = [
    ...attributeOptions.keys(),
    ...recursive,
    ...propagationOptions.keys(),
    ...superblockOptions,
    ...ignored,
    'bind',
    'rbind',
    'remount',
    'tmpcopyup',
    'idmap',
    'ridmap',
  ];
  return names.sort();
}
