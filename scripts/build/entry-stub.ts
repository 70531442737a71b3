/** The script that node runs for an executable: it loads bundles, from V8's code cache where that fits this Node. */

/** How a bundle asks for a part: `require('part:runtime-create')`. */
export const partPrefix = 'part:';

/** The function around the text of a bundle. V8 takes a cache only for a text of the same length. */
export function wrapBundle(text: string): string {
  const [before, after] = wrapper;
  return before + text + after;
}

const wrapper = ['(function (exports, require, module, __filename, __dirname) {', '\n})'] as const;

/**
 * DIR/lib/NAME.cjs. It compiles the bundles itself: node's loader of modules takes no cache, and looks for files in
 * more places than there are.
 */
export function entryStub(name: string): string {
  const [before, after] = wrapper.map((text) => JSON.stringify(text));
  return `'use strict';
const fs = require('fs'), vm = require('vm');
const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const loaded = {};
function requireFromBundle(id) {
  if (!id.startsWith('${partPrefix}')) return require(id);
  return (loaded[id] ??= load(id.slice(${partPrefix.length}), { exports: {} }));
}
function load(name, module) {
  const filename = __dirname + '/' + name + '.js';
  let cachedData;
  try { cachedData = fs.readFileSync(__dirname + '/' + name + '.cache'); } catch {}
  const text = ${before} + fs.readFileSync(filename, 'latin1') + ${after};
  new vm.Script(text, { filename, cachedData, importModuleDynamically })
    .runInThisContext()(module.exports, requireFromBundle, module, filename, __dirname);
  return module.exports;
}
load('${name}', module);
`;
}
