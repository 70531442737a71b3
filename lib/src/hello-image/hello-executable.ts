/** The program in the embedded image: says who brought it here, what it sees of itself, and exits with 0. */
import { assembleExecutable, systemCall } from '#lib/assembler/assemble';
import { appendDecimal, appendText, copyText, powersOfTen, textData } from '#lib/assembler/text';
import type { Architecture } from '#lib/sys/syscalls';

const greeting = `
Hello from a container!

Five processes brought you this message, each speaking a protocol that others speak too:

  engine                   sent your command to engined     Docker Engine API, HTTP over a unix socket
  engined                  made a container and a network   containerd's services, gRPC
  containerd-lite          unpacked the image "hello"       the shim protocol, ttrpc
  containerd-shim-lite-v2  holds what this program prints   runc's command line
  runtime                  compiled config.json to a program of system calls, and its loader became me

`;

const closing = `

To see more, try
  runtime explain BUNDLE               what a container is made of, call by call
  engine run -it --rm busybox sh       a shell of your own
`;

const standardOutput = 1;
/** struct utsname: six fields of 65 bytes; the second is the host name. */
const utsname = { nodename: 65, size: 400 };
const messageSize = 4096;

/** A static executable that prints the greeting. */
export function helloElf(architecture: Architecture): Buffer {
  return assembleExecutable(architecture, (machine) => {
    const [start, failed] = [machine.label(), machine.label()];
    machine.jump(start);
    const texts = {
      greeting: textData(machine, greeting),
      process: textData(machine, 'I am process '),
      host: textData(machine, ' on host '),
      closing: textData(machine, closing),
      powers: powersOfTen(machine),
    };
    machine.place(start);
    machine.subtract('sp', messageSize + utsname.size);
    const [message, end] = ['s0', 's1'] as const;
    machine.move(message, 'sp');
    machine.move(end, message);
    appendText(machine, end, texts.greeting);
    appendText(machine, end, texts.process);
    systemCall(machine, 'getpid', []);
    machine.move('s2', 'result');
    appendDecimal(machine, end, 's2', texts.powers);
    appendText(machine, end, texts.host);
    machine.move('arg0', message);
    machine.add('arg0', messageSize);
    systemCall(machine, 'uname', ['arg0']);
    machine.move('t0', message);
    machine.add('t0', messageSize + utsname.nodename);
    copyText(machine, end, 't0');
    appendText(machine, end, texts.closing);

    // A pipe may take less than everything at once.
    const [writing, written] = [machine.label(), machine.label()];
    machine.place(writing);
    machine.branch('equal', message, end, written);
    machine.move('arg2', end);
    machine.subtract('arg2', message);
    systemCall(machine, 'write', [standardOutput, message, 'arg2']);
    machine.branch('less', 'result', 0, failed);
    machine.add(message, 'result');
    machine.jump(writing);
    machine.place(written);
    systemCall(machine, 'exit_group', [0]);
    machine.place(failed);
    systemCall(machine, 'exit_group', [1]);
  });
}
