/** `-info`: prints what this shim and its runtime are, as a binary RuntimeInfo. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { version } from '#lib/installation/installation';
import { jsonTypes } from '#proto/any';
import { RuntimeInfo } from '#proto/generated/containerd.types';
import { Any } from '#proto/generated/google.protobuf';
import { readRuntimeOptions } from '../runtime-options.ts';

export function printInfo(): void {
  const input = fs.readFileSync(0);
  const options = input.length > 0 ? Any.decode(input) : undefined;
  const { binary } = readRuntimeOptions(options, { bundle: process.cwd(), namespace: '' });
  const features = runtimeFeatures(binary);
  fs.writeSync(
    1,
    RuntimeInfo.encode({
      name: 'io.containerd.lite.v2',
      version: { version },
      options,
      features: features && { typeUrl: jsonTypes.features, value: features },
    }),
  );
}

/** The OCI features document; undefined for a runtime that has none (older runc, crun). */
function runtimeFeatures(binary: string): Buffer | undefined {
  try {
    const output = execFileSync(binary, ['features'], { stdio: ['ignore', 'pipe', 'ignore'] });
    JSON.parse(output.toString('utf8'));
    return output;
  } catch {
    return undefined;
  }
}
