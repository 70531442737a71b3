/**
 * On 32-bit x86 socket and System V IPC calls can also be made through socketcall(2) and ipc(2), whose first argument
 * selects the call. A rule about `socket` must cover that door too, or a profile that forbids it is walked around.
 */
import type { SeccompArgument } from '#spec/oci/seccomp';

/** linux/net.h, SYS_*. */
const socketCalls = {
  socket: 1,
  bind: 2,
  connect: 3,
  listen: 4,
  accept: 5,
  getsockname: 6,
  getpeername: 7,
  socketpair: 8,
  send: 9,
  recv: 10,
  sendto: 11,
  recvfrom: 12,
  shutdown: 13,
  setsockopt: 14,
  getsockopt: 15,
  sendmsg: 16,
  recvmsg: 17,
  accept4: 18,
  recvmmsg: 19,
  sendmmsg: 20,
};

/** linux/ipc.h; the upper half of the argument is a version. */
const ipcCalls = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

interface MultiplexedCall {
  readonly via: 'socketcall' | 'ipc';
  readonly selector: SeccompArgument;
}

/** Calls by name, with the condition on the first argument that selects them. */
export const multiplexedCalls: ReadonlyMap<string, MultiplexedCall> = new Map([
  ...Object.entries(socketCalls).map(([name, number]): [string, MultiplexedCall] => [
    name,
    { via: 'socketcall', selector: { index: 0, value: number, op: 'SCMP_CMP_EQ' } },
  ]),
  ...Object.entries(ipcCalls).map(([name, number]): [string, MultiplexedCall] => [
    name,
    {
      via: 'ipc',
      selector: { index: 0, value: 0xffff, valueTwo: number, op: 'SCMP_CMP_MASKED_EQ' },
    },
  ]),
]);
