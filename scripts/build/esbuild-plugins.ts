/** What esbuild does not do by itself: native addons beside the bundle, bundles in several parts, Node's modules once. */
import fs from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { loaderElf } from '#lib/loader/loader-elf';
import type { Architecture } from '#lib/sys/syscalls';
import { partPrefix } from './entry-stub.ts';

/** Native addons are found beside the bundle, by path; the packages' own search for a binary cannot be bundled. */
export const nativeAddons: Plugin = {
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

/** The loader reads its program from this descriptor unless the container is given some of its caller's. */
const usualProgramDescriptor = 3;

/** The usual loader comes assembled: a create would spend a millisecond on it. Any other is assembled when it is needed. */
export function assembledLoader(architecture: Architecture): Plugin {
  const usual = loaderElf(architecture, usualProgramDescriptor).toString('base64');
  const signature =
    'export function loaderElf(architecture: Architecture, programDescriptor: number): Buffer {';
  return {
    name: 'assembled-loader',
    setup(context) {
      context.onLoad({ filter: /lib\/src\/loader\/loader-elf\.ts$/ }, ({ path: file }) => {
        const [before, body] = fs.readFileSync(file, 'utf8').split(signature);
        if (body === undefined) throw new Error(`${file}: loaderElf() has another signature`);
        const shortcut = `if (architecture === '${architecture}' && programDescriptor === ${usualProgramDescriptor})
          return Buffer.from('${usual}', 'base64');`;
        return { contents: `${before}${signature}${shortcut}${body}`, loader: 'ts' };
      });
    },
  };
}

/** A bundle that another one loads when it needs it, by the module that begins it (from the root of the checkout). */
export interface Part {
  readonly name: string;
  readonly entry: string;
}

/** A dynamic import of a part's module loads that bundle (entry-stub.ts). */
export function separateParts(root: string, parts: readonly Part[]): Plugin {
  return {
    name: 'separate-parts',
    setup(context) {
      context.onResolve({ filter: /\.ts$/ }, ({ path: imported, resolveDir, kind }) => {
        if (kind !== 'dynamic-import') return undefined;
        const file = path.relative(root, fs.realpathSync(path.resolve(resolveDir, imported)));
        const part = parts.find(({ entry }) => entry === file);
        return part && { path: `${partPrefix}${part.name}`, external: true };
      });
    },
  };
}

/**
 * Makes a module of Node itself one object for the whole bundle. esbuild copies its properties, a hundred for node:fs,
 * for every file that imports it: milliseconds at each start.
 */
export const shareBuiltins: Plugin = {
  name: 'share-builtins',
  setup(context) {
    context.onEnd(({ outputFiles = [] }) => {
      for (const { path: file, text } of outputFiles) {
        const shared = file.endsWith('.js')
          ? text.replace(/__toESM\(require\("(node:[a-z0-9_/]+)"\)(?:, 1)?\)/g, '__builtin("$1")')
          : text;
        if (/__toESM\(require\("node:/.test(shared)) {
          throw new Error(`${file}: esbuild has changed how it imports Node's modules`);
        }
        fs.writeFileSync(file, shared);
      }
    });
  },
};
