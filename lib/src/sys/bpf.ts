/** bpf(2), as far as device filters of cgroups need it. union bpf_attr is written by hand: its members are in linux/bpf.h. */
import { loadKoffi } from './koffi.ts';
import { check, libcFunction } from './libc.ts';
import { syscallNumber } from './syscalls.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_PROG_QUERY = 16;

const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;

/** Most programs one cgroup can have (BPF_CGROUP_MAX_PROGS). */
const maximumPrograms = 64;

const syscall = libcFunction(
  'long syscall(long number, long command, void *attr, unsigned long size)',
);

function bpf(command: number, attr: Buffer, subject: string): number {
  const number = syscallNumber('bpf', process.arch === 'arm64' ? 'arm64' : 'x64');
  return check(syscall(number, command, attr, attr.length), 'bpf', subject);
}

/**
 * Loads a device filter, instructions as struct bpf_insn[]. Returns a descriptor of the program, close-on-exec.
 * Throws SyscallError: EPERM without CAP_BPF or CAP_SYS_ADMIN, EINVAL for a program the verifier refuses.
 */
export function loadDeviceProgram(instructions: Buffer): number {
  const license = Buffer.from('Apache-2.0\0');
  const attr = Buffer.alloc(128);
  attr.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
  attr.writeUInt32LE(instructions.length / 8, 4);
  attr.writeBigUInt64LE(address(instructions), 8);
  attr.writeBigUInt64LE(address(license), 16);
  const fd = bpf(BPF_PROG_LOAD, attr, 'load device program');
  keepAlive(instructions, license);
  return fd;
}

/** Adds the program to those of the cgroup (all of them must permit); both arguments are descriptors. */
export function attachDeviceProgram(cgroup: number, program: number): void {
  bpf(BPF_PROG_ATTACH, attachAttributes(cgroup, program, BPF_F_ALLOW_MULTI), 'attach');
}

/** Takes the program from the cgroup again. */
export function detachDeviceProgram(cgroup: number, program: number): void {
  bpf(BPF_PROG_DETACH, attachAttributes(cgroup, program, 0), 'detach');
}

/** Descriptors of the device filters attached to the cgroup itself, for the caller to close. */
export function attachedDevicePrograms(cgroup: number): number[] {
  const ids = Buffer.alloc(4 * maximumPrograms);
  const attr = Buffer.alloc(128);
  attr.writeUInt32LE(cgroup, 0);
  attr.writeUInt32LE(BPF_CGROUP_DEVICE, 4);
  attr.writeBigUInt64LE(address(ids), 16);
  attr.writeUInt32LE(maximumPrograms, 24);
  bpf(BPF_PROG_QUERY, attr, 'query');
  const count = attr.readUInt32LE(24);
  return Array.from({ length: count }, (_, index) => {
    const byId = Buffer.alloc(128);
    byId.writeUInt32LE(ids.readUInt32LE(4 * index), 0);
    return bpf(BPF_PROG_GET_FD_BY_ID, byId, 'get program');
  });
}

function attachAttributes(cgroup: number, program: number, flags: number): Buffer {
  const attr = Buffer.alloc(128);
  attr.writeUInt32LE(cgroup, 0);
  attr.writeUInt32LE(program, 4);
  attr.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
  attr.writeUInt32LE(flags, 12);
  return attr;
}

function address(buffer: Buffer): bigint {
  return loadKoffi().address(buffer);
}

/** The garbage collector must not free what the kernel is about to read through an address. */
function keepAlive(..._buffers: Buffer[]): void {
  // being an argument is enough
}
