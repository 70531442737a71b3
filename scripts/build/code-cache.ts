/**
 * Writes V8's code cache of bundles, with every function in it: V8 by itself caches only what has run, and the first
 * container would pay for compiling the rest. V8 takes a cache only under the options it was made with, so this runs in
 * a node of its own that has those of the launcher. Usage: node [OPTIONS] code-cache.ts DIR/NAME.js...
 */
import fs from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import { wrapBundle } from './entry-stub.ts';

for (const file of process.argv.slice(2)) {
  const text = wrapBundle(fs.readFileSync(file, 'latin1'));
  v8.setFlagsFromString('--no-lazy');
  const script = new vm.Script(text, {
    filename: file,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  v8.setFlagsFromString('--lazy'); // the options count when the cache is made, not when the text is compiled
  fs.writeFileSync(file.replace(/\.js$/, '.cache'), script.createCachedData());
}
