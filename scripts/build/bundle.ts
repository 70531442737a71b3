// Builds dist/: one bundle per executable, the Node they share, the native addons, and a launcher each.
// Run by the pinned Node (scripts/node): it strips the types itself.
import fs from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { build, type Plugin } from 'esbuild';
import { launcherElf } from '#lib/loader/launcher';

const root = path.resolve(import.meta.dirname, '../..');
const dist = path.join(root, 'dist');
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

/** Executables by the name they have in dist/bin, with their entry points. */
const executables = [
  { name: 'engine', entry: 'cli/src/main.ts' },
  { name: 'engined', entry: 'engine/src/main.ts' },
  { name: 'containerd-lite', entry: 'containerd-lite/src/main.ts' },
  { name: 'containerd-shim-lite-v2', entry: 'shim/src/main.ts' },
  { name: 'runtime', entry: 'runtime/src/main.ts' },
] as const;

/** Worker threads are bundles of their own: a thread starts from a file. */
const workers = [
  { name: 'engined-kernel-worker', entry: 'engine/src/kernel/worker.ts' },
  { name: 'containerd-lite-worker', entry: 'containerd-lite/src/worker/main.ts' },
];

/**
 * Parts of an executable that only some of its commands need, by the module that begins each: bundles of their own,
 * so that the others do not read and compile them.
 */
const parts = [
  { name: 'runtime-all', of: 'runtime', entry: 'runtime/src/main-all.ts' },
  {
    name: 'containerd-shim-lite-v2-serve',
    of: 'containerd-shim-lite-v2',
    entry: 'shim/src/commands/serve.ts',
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
] as const;

const addonFiles = {
  koffi: `@koromix/koffi-linux-${architecture}/linux_${architecture}/koffi.node`,
  lmdb: `@lmdb/lmdb-linux-${architecture}/node.napi.glibc.node`,
};

/** Native addons are found beside the bundle, by path; the packages' own search for a binary cannot be bundled. */
const nativeAddons: Plugin = {
  name: 'native-addons',
  setup(context) {
    context.onLoad({ filter: /lib\/src\/sys\/koffi\.ts$/ }, () => ({
      contents: `let loaded; export const loadKoffi = () => (loaded ??= require(__dirname + '/koffi.node'));`,
      loader: 'js',
    }));
    // lmdb and msgpackr's optional accelerator look for their binaries the same way; msgpackr does without.
    context.onResolve({ filter: /^node-gyp-build-optional-packages$/ }, ({ importer }) => ({
      path: importer.includes('/node_modules/lmdb/') ? 'lmdb' : 'none',
      namespace: 'native-addon',
    }));
    context.onLoad({ filter: /.*/, namespace: 'native-addon' }, ({ path: name }) => ({
      contents:
        name === 'lmdb'
          ? `module.exports = () => require(__dirname + '/lmdb.node');`
          : `module.exports = () => { throw new Error('not bundled'); };`,
      loader: 'js',
    }));
  },
};

/** An import of a part becomes a call of its stub beside the bundle. */
const separateParts: Plugin = {
  name: 'separate-parts',
  setup(context) {
    context.onResolve({ filter: /\.ts$/ }, ({ path: imported, resolveDir, kind }) => {
      if (kind !== 'dynamic-import') return undefined;
      const file = path.relative(root, fs.realpathSync(path.resolve(resolveDir, imported)));
      const part = parts.find(({ entry }) => entry === file);
      return part && { path: `./${part.name}.cjs`, external: true };
    });
  },
};

/**
 * Makes a module of Node itself one object for the whole bundle. esbuild copies its properties, a hundred for node:fs,
 * for every file that imports it: milliseconds at each start.
 */
const shareBuiltins: Plugin = {
  name: 'share-builtins',
  setup(context) {
    context.onEnd(({ outputFiles = [] }) => {
      for (const { path: file, text } of outputFiles) {
        const shared = file.endsWith('.js')
          ? text.replace(/__toESM\(require\("(node:[a-z_/]+)"\)(?:, 1)?\)/g, '__builtin("$1")')
          : text;
        fs.writeFileSync(file, shared);
      }
    });
  },
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
    plugins: [nativeAddons, separateParts, shareBuiltins],
    legalComments: 'none',
    charset: 'ascii', // the stub reads it as latin1: twice as fast
    logLevel: 'warning',
    sourcemap: 'external',
  });
}

/** What node runs: the bundle, compiled from V8's code cache where there is one for exactly this Node. */
function entryStub(name: string): string {
  return `'use strict';
const fs = require('fs'), vm = require('vm'), { wrap } = require('module');
const file = __dirname + '/${name}.js';
let cachedData;
try { cachedData = fs.readFileSync(__dirname + '/${name}.cache'); } catch {}
new vm.Script(wrap(fs.readFileSync(file, 'latin1')), {
  filename: file, cachedData, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
}).runInThisContext()(exports, require, module, file, __dirname);
`;
}

/**
 * Writes the code cache of a bundle, with every function in it: V8 by itself caches only what has run, and the
 * first container would pay for compiling the rest.
 */
function writeCodeCache(name: string): void {
  const file = path.join(dist, 'lib', `${name}.js`);
  v8.setFlagsFromString('--no-lazy');
  const script = new vm.Script(Module.wrap(fs.readFileSync(file, 'latin1')), {
    filename: file,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  v8.setFlagsFromString('--lazy');
  fs.writeFileSync(path.join(dist, 'lib', `${name}.cache`), script.createCachedData());
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
for (const { name } of [...wanted, ...wantedParts]) {
  fs.writeFileSync(path.join(dist, 'lib', `${name}.cjs`), entryStub(name));
  writeCodeCache(name);
}
for (const { name } of wanted) {
  const launcher = path.join(dist, 'bin', name);
  fs.rmSync(launcher, { force: true });
  fs.writeFileSync(launcher, launcherElf(name, architecture), { mode: 0o755 });
}
