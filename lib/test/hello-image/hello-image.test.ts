import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { digestOf } from '#spec/digest';
import { parseImageConfig, parseIndex, parseManifest } from '#spec/oci/image';
import { helloElf } from '#lib/hello-image/hello-executable';
import { helloImage, helloReference, writeHelloImage } from '#lib/hello-image/hello-image';
import { emulator, skip, writeExecutables } from '../assembler/executables.ts';

describe('helloElf', () => {
  for (const architecture of ['x64', 'arm64'] as const) {
    it(`greets on ${architecture}`, function () {
      const runner = emulator(architecture);
      if (runner.missing) skip(this, runner.missing);
      const folder = writeExecutables({ hello: helloElf(architecture) });
      try {
        const command = [...runner.command, path.join(folder, 'hello')];
        const output = execFileSync('env', command, { encoding: 'utf8' });
        expect(output).to.include('Hello from a container!');
        expect(output).to.match(new RegExp(`^I am process \\d+ on host ${os.hostname()}$`, 'm'));
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    });
  }
});

describe('helloImage', () => {
  it('is the same every time', () => {
    expect(helloImage('x64')).to.deep.equal(helloImage('x64'));
  });

  it('holds together: every descriptor names the digest and size of what it describes', () => {
    const { manifest, config, layer } = helloImage('arm64');
    for (const { descriptor, content } of [manifest, config, layer]) {
      expect(descriptor).to.include({ digest: digestOf(content), size: content.length });
    }
    const document = parseManifest(JSON.parse(manifest.content.toString()));
    expect(document.config).to.deep.equal(config.descriptor);
    expect(document.layers).to.deep.equal([layer.descriptor]);
    const { rootfs, architecture } = parseImageConfig(JSON.parse(config.content.toString()));
    expect(rootfs.diff_ids).to.deep.equal([digestOf(gunzipSync(layer.content))]);
    expect(architecture).to.equal('arm64');
  });
});

describe('writeHelloImage', () => {
  it('writes an image layout whose index leads to every blob', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-image-'));
    try {
      writeHelloImage(folder, 'x64');
      const index = parseIndex(
        JSON.parse(fs.readFileSync(path.join(folder, 'index.json'), 'utf8')),
      );
      expect(index.manifests[0]?.annotations?.['io.containerd.image.name']).to.equal(
        helloReference,
      );
      expect(index.manifests[0]?.digest).to.equal(helloImage('x64').manifest.descriptor.digest);
      expect(fs.readdirSync(path.join(folder, 'blobs/sha256'))).to.have.length(3);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
