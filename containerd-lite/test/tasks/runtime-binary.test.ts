import { expect } from 'chai';
import fs from 'node:fs';
import { resolveRuntime } from '../../src/tasks/runtime-binary.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

describe('resolveRuntime', () => {
  const folder = useTemporaryFolder();
  const install = (name: string) => {
    const file = `${folder()}/${name}`;
    fs.mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true });
    fs.writeFileSync(file, '', { mode: 0o755 });
    return file;
  };
  const lookup = (configured = {}) => ({
    configured,
    binFolder: `${folder()}/ours`,
    searchPath: `/nonexistent:${folder()}/path`,
  });

  it('looks beside our executables first, then on PATH', () => {
    const onPath = install('path/containerd-shim-runc-v2');
    expect(resolveRuntime('io.containerd.runc.v2', lookup())).to.equal(onPath);
    const ours = install('ours/containerd-shim-runc-v2');
    expect(resolveRuntime('io.containerd.runc.v2', lookup())).to.equal(ours);
  });

  it('takes an absolute path as it is', () => {
    const file = install('my-shim');
    expect(resolveRuntime(file, lookup())).to.equal(file);
  });

  it('follows the configuration', () => {
    const file = install('ours/containerd-shim-lite-v2');
    const configured = { 'io.containerd.runc.v2': 'io.containerd.lite.v2' };
    expect(resolveRuntime('io.containerd.runc.v2', lookup(configured))).to.equal(file);
  });

  it('says what is missing', () => {
    expect(() => resolveRuntime('io.containerd.nope.v1', lookup())).to.throw(
      'needs "containerd-shim-nope-v1"',
    );
    expect(() => resolveRuntime('/nope', lookup())).to.throw('no executable at /nope');
    expect(() => resolveRuntime('runc', lookup())).to.throw('invalid runtime name "runc"');
  });
});
