// Builds dist/: one bundle per executable, the Node they share, the native addons, and a launcher each.
// Run by the pinned Node (scripts/node): it strips the types itself.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { initElf } from '#lib/container-init/init-elf';
import { launcherElf } from '#lib/loader/launcher';
import { entryStub } from './entry-stub.ts';
import { assembledLoader, nativeAddons, separateParts, shareBuiltins } from './esbuild-plugins.ts';

const root = path.resolve(import.meta.dirname, '../..');
const dist = path.join(root, 'dist');
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

/** A young generation, in MB, in which a command comes to its end before anything has to be collected. */
const roomy = '--min-semi-space-size=4';

/**
 * Options of node for a process that lives for milliseconds. A hash seed of its own costs each start 3 to 10 ms (V8
 * looks for prime numbers, then hashes all names again); it protects from input that was made to collide, which for
 * one command means a slower command. Functions are compiled to machine code only after ten times as many calls as
 * usual: in `runtime serve`, not in a command. V8 refuses node's own code caches under such options: they are for
 * what needs few of node's modules.
 */
const shortLived = [
  '--no-rehash-snapshot',
  roomy,
  '--invocation-count-for-maglev=4000',
  '--invocation-count-for-maglev-osr=4000',
  '--baseline-batch-compilation-threshold=65536',
];

/** Executables by the name they have in dist/bin, with their entry points and the options of their node. */
const executables = [
  // After `--` node leaves `--env-file` to us; before, it takes it from anywhere on the command line.
  { name: 'engine', entry: 'cli/src/main.ts', nodeOptions: [roomy, '--'] },
  { name: 'engined', entry: 'engine/src/main.ts', nodeOptions: [] },
  { name: 'containerd-lite', entry: 'containerd-lite/src/main.ts', nodeOptions: [] },
  { name: 'containerd-shim-lite-v2', entry: 'shim/src/main.ts', nodeOptions: [] },
  { name: 'runtime', entry: 'runtime/src/main.ts', nodeOptions: shortLived },
] as const;

/** Worker threads are bundles of their own: a thread starts from a file. */
const workers = [
  { name: 'engined-kernel-worker', entry: 'engine/src/kernel/worker.ts' },
  { name: 'engined-rootfs-worker', entry: 'engine/src/rootfs/worker.ts' },
  { name: 'containerd-lite-worker', entry: 'containerd-lite/src/worker/main.ts' },
];

/**
 * Parts of an executable that only some of its commands need, by the module that begins each: bundles of their own,
 * so that the others do not read and compile them.
 */
const runtimeAndShimParts = [
  { name: 'runtime-quick', of: 'runtime', entry: 'runtime/src/main-quick.ts' },
  { name: 'runtime-create', of: 'runtime', entry: 'runtime/src/main-create.ts' },
  { name: 'runtime-exec', of: 'runtime', entry: 'runtime/src/main-exec.ts' },
  { name: 'runtime-all', of: 'runtime', entry: 'runtime/src/main-all.ts' },
  { name: 'runtime-systemd', of: 'runtime', entry: 'runtime/src/host/systemd-unit.ts' },
  {
    name: 'containerd-shim-lite-v2-serve',
    of: 'containerd-shim-lite-v2',
    entry: 'shim/src/commands/serve.ts',
  },
  {
    name: 'containerd-shim-lite-v2-serve-grpc',
    of: 'containerd-shim-lite-v2',
    entry: 'shim/src/commands/serve-grpc.ts',
  },
  {
    name: 'containerd-shim-lite-v2-standby',
    of: 'containerd-shim-lite-v2',
    entry: 'shim/src/commands/standby.ts',
  },
  {
    name: 'containerd-shim-lite-v2-delete',
    of: 'containerd-shim-lite-v2',
    entry: 'shim/src/commands/delete.ts',
  },
  {
    name: 'containerd-shim-lite-v2-info',
    of: 'containerd-shim-lite-v2',
    entry: 'shim/src/commands/info.ts',
  },
];

/** A command of `engine` loads its own part: every module that the catalogue imports is one. */
const catalogue = fs.readFileSync(path.join(root, 'cli/src/command-line/catalogue.ts'), 'utf8');
const commandModules = [...catalogue.matchAll(/import\('\.\.\/(commands\/[\w-]+)\.ts'\)/g)].map(
  ([, module = '']) => module,
);
const commandParts = [...new Set(commandModules), 'format/progress-bars'].map((module) => ({
  name: `engine-${path.basename(module)}`,
  of: 'engine',
  entry: `cli/src/${module}.ts`,
}));

const parts = [...runtimeAndShimParts, ...commandParts];

const addonFiles = {
  koffi: `@koromix/koffi-linux-${architecture}/linux_${architecture}/koffi.node`,
  lmdb: `@lmdb/lmdb-linux-${architecture}/node.napi.glibc.node`,
};

async function bundle(name: string, entry: string): Promise<void> {
  await build({
    entryPoints: [path.join(root, entry)],
    outfile: path.join(dist, 'lib', `${name}.js`),
    write: false, // shareBuiltins does
    bundle: true,
    platform: 'node',
    target: `node${process.versions.node.split('.')[0] ?? '24'}`,
    format: 'cjs',
    supported: { 'dynamic-import': false }, // require() instead: it loads no second module loader
    define: { 'import.meta.url': '__bundleUrl', 'import.meta.dirname': '__dirname' },
    // By hand: loading node:url would cost every start a millisecond or more.
    banner: {
      js: `const __bundleUrl = 'file://' + encodeURI(__filename).replace(/[#?]/g, encodeURIComponent);
const __builtins = {};
const __builtin = (id) => (__builtins[id] ??= ((m) => ({ __proto__: m, default: m }))(require(id)));`,
    },
    plugins: [
      nativeAddons,
      assembledLoader(architecture),
      separateParts(root, parts),
      shareBuiltins,
    ],
    legalComments: 'none',
    charset: 'ascii', // the stub reads it as latin1: twice as fast
    logLevel: 'warning',
    sourcemap: 'external',
  });
}

/** The code cache of bundles that run in a node with these options. */
function writeCodeCaches(names: readonly string[], nodeOptions: readonly string[]): void {
  const files = names.map((name) => path.join(dist, 'lib', `${name}.js`));
  const program = path.join(import.meta.dirname, 'code-cache.ts');
  execFileSync(process.execPath, [...nodeOptions, program, ...files], { stdio: 'inherit' });
}

/**
 * Copies by hard link where possible: Node alone is 150 MB. What is there already stays: running daemons start
 * further processes from it.
 */
function install(source: string, target: string): void {
  const present = fs.statSync(target, { throwIfNoEntry: false });
  const wanted = fs.statSync(source);
  if (
    present?.ino === wanted.ino ||
    (present?.size === wanted.size && present.mtimeMs >= wanted.mtimeMs)
  )
    return;
  fs.rmSync(target, { force: true });
  try {
    fs.linkSync(source, target);
  } catch {
    fs.copyFileSync(source, target); // another file system
  }
}

fs.mkdirSync(path.join(dist, 'bin'), { recursive: true });
fs.mkdirSync(path.join(dist, 'lib'), { recursive: true });
// Worker threads start from a .js file: Node asks the nearest package.json what that is.
fs.writeFileSync(path.join(dist, 'lib', 'package.json'), '{ "type": "commonjs" }\n');
const node = path.join(dist, 'lib', 'node');
install(path.join(root, `node_modules/node-linux-${architecture}/bin/node`), node);
for (const [name, file] of Object.entries(addonFiles)) {
  install(path.join(root, 'node_modules', file), path.join(dist, 'lib', `${name}.node`));
}
// A new inode: containers may be running the one that is there.
const init = path.join(dist, 'lib', 'docker-init');
fs.rmSync(init, { force: true });
fs.writeFileSync(init, initElf(architecture), { mode: 0o755 });

const only = process.argv.slice(2);
const wanted = executables.filter(({ name }) => only.length === 0 || only.includes(name));
const wantedParts = parts.filter(({ of }) => wanted.some(({ name }) => name === of));
await Promise.all([
  ...wanted.map(({ name, entry }) => bundle(name, entry)),
  ...wantedParts.map(({ name, entry }) => bundle(name, entry)),
  ...workers
    .filter(({ entry }) => fs.existsSync(path.join(root, entry)))
    .map(({ name, entry }) => bundle(name, entry)),
]);
for (const { name, nodeOptions } of wanted) {
  const own = wantedParts.filter((part) => part.of === name).map((part) => part.name);
  writeCodeCaches([name, ...own], nodeOptions);
  fs.writeFileSync(path.join(dist, 'lib', `${name}.cjs`), entryStub(name));
  const launcher = path.join(dist, 'bin', name);
  fs.rmSync(launcher, { force: true });
  fs.writeFileSync(launcher, launcherElf(name, architecture, nodeOptions), { mode: 0o755 });
}
