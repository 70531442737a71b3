/** Placeholder until the assembler emits the ELF launcher: a shell script that does the same. */
export function launcherElf(name: string, _architecture: 'x64' | 'arm64'): Uint8Array {
  return Buffer.from(
    `#!/bin/sh\nself=$(readlink -f "$0"); lib=\${self%/*}/../lib\nexec "$lib/node" "$lib/${name}.cjs" "$@"\n`,
  );
}
