/** What Linux security modules are told about the process: `process.apparmorProfile` and `process.selinuxLabel`. */
import { StackError } from '#spec/errors';
import type { Process } from '#spec/oci/process';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { HostFacts } from './input.ts';
import {
  O_CLOEXEC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from './kernel-constants.ts';

type Labels = Pick<Process, 'apparmorProfile' | 'selinuxLabel'>;
type ModuleFacts = Pick<HostFacts, 'securityModules'>;

/** Means that nothing is asked for, also of a host without AppArmor. */
const unconfined = 'unconfined';

/** Throws invalid_argument when a label is asked for that nobody here would enforce. */
export function checkLabels(
  { apparmorProfile, selinuxLabel }: Labels,
  { securityModules }: ModuleFacts,
): void {
  if (apparmorProfile && apparmorProfile !== unconfined && !securityModules.has('apparmor')) {
    throw new StackError(
      'invalid_argument',
      `process.apparmorProfile: "${apparmorProfile}" is asked for, but AppArmor is not enabled on this host`,
    );
  }
  if (selinuxLabel && !securityModules.has('selinux')) {
    throw new StackError(
      'invalid_argument',
      'process.selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported',
    );
  }
}

/** `linux.mountLabel`. Without SELinux the kernel knows no such option, and the process has no label that it could keep out. */
export function mountLabel(
  { linux }: RuntimeConfig,
  { securityModules }: ModuleFacts,
): string | undefined {
  return securityModules.has('selinux') ? linux?.mountLabel : undefined;
}

/**
 * Sets what the next execve switches to. The files are reached through the host's own /proc: a label that goes
 * elsewhere protects nobody (CVE-2019-19921, CVE-2025-52881).
 */
export function setLabels(
  context: CompileContext,
  proc: DescriptorSlot,
  { apparmorProfile, selinuxLabel }: Labels,
  { securityModules }: ModuleFacts,
): void {
  const { program } = context;
  if (apparmorProfile && securityModules.has('apparmor')) {
    program.stage('set the AppArmor profile').from('process.apparmorProfile');
    const content = `exec ${apparmorProfile}`;
    writeAttribute(context, proc, ['self/attr/apparmor/exec', 'self/attr/exec'], content);
  }
  if (selinuxLabel) {
    program.stage('set the SELinux label').from('process.selinuxLabel');
    writeAttribute(context, proc, ['self/attr/exec'], selinuxLabel);
  }
}

/** Writes the first of the files that this kernel has. */
function writeAttribute(
  context: CompileContext,
  proc: DescriptorSlot,
  [path = '', older]: readonly string[],
  content: string,
): void {
  const { program } = context;
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  const how = context.openHow(O_WRONLY | O_CLOEXEC, resolve);
  context.withKept(proc, (directory) => {
    context.borrow((file) => {
      const absent = program.label();
      const opened = program.label();
      program.syscall('openat2', [directory, program.string(path), how, 24], {
        result: file,
        ...(older !== undefined && { onErrno: { errno: 'ENOENT', goto: absent } }),
      });
      if (older !== undefined) {
        program.jump(opened).place(absent);
        program.syscall('openat2', [directory, program.string(older), how, 24], { result: file });
      }
      program.place(opened);
      const length = Buffer.byteLength(content);
      program.syscall('write', [file, program.string(content), length], { demand: length });
      context.close(file);
    });
  });
}
