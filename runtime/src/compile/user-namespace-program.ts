/** A process whose only purpose is its user namespace: the runtime writes its id maps, opens it, and lets it go. */
import type { Program } from '#lib/loader/program';
import { prologue } from '#lib/loader/sequences';
import { CompileContext } from './context.ts';
import { Handshake } from './handshake.ts';
import { CLONE_NEWUSER } from './kernel-constants.ts';

export function compileUserNamespace(): Program {
  const context = new CompileContext(0);
  const { program } = context;
  const handshake = new Handshake(context);
  prologue(program, { name: 'runtime', dumpable: true });
  program.stage('create the user namespace').syscall('unshare', [CLONE_NEWUSER]);
  handshake.exchange('userNamespace', 'wait until the namespace is known');
  return program.build();
}
