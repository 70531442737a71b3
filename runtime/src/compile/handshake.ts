/**
 * Messages between a program and the runtime that started it, over two pipes. The program says where it is
 * (eight bytes: tag, value); where it waits, the runtime answers with a token of fixed content. The end of the pipe
 * at a token means that the runtime died: the program fails, and with it whatever it cloned.
 *
 *   loader                      runtime                       what it means
 *   userNamespace ------------> writes id maps, time offsets
 *                 <------------ token
 *   process (its pid) --------> notes the pid
 *   netDevices ---------------> moves devices into the network namespace
 *                 <------------ token                         only with linux.netDevices
 *   hooks --------------------> prestart and createRuntime hooks, state for the hooks inside
 *                 <------------ token
 *   seccomp (a descriptor) ---> takes the filter's listener to linux.seccomp.listenerPath
 *                 <------------ token                         only for SCMP_ACT_NOTIFY
 *   ready --------------------> writes state and pid file
 *                 <------------ token                         from here on the container exists
 *   exited (wait status) -----> passes the status on          only while the loader lives (run, exec)
 */
import { u32, type Data } from '#lib/loader/data';
import type { Register } from '#lib/loader/program';
import type { CompileContext } from './context.ts';

export const messageTags = {
  userNamespace: 1,
  process: 2,
  hooks: 3,
  ready: 4,
  exited: 5,
  seccomp: 6,
  netDevices: 7,
} as const;
export type MessageTag = keyof typeof messageTags;

/** Bytes of a message to the runtime: tag and value, 32 bits each. */
export const messageSize = 8;

/** What the runtime answers; 32 bits. */
export const token = 0x4e455854;
const tokenSize = 4;

/** Names of the prepared descriptors: the write end of one pipe, the read end of the other. */
export const handshakeDescriptors = { messages: 'messages', answers: 'answers' } as const;

/** The program's end of the conversation. */
export class Handshake {
  readonly #context: CompileContext;
  readonly #messages: number;
  readonly #answers: number;
  readonly #answer: Data;

  constructor(context: CompileContext) {
    this.#context = context;
    this.#messages = context.program.descriptor(handshakeDescriptors.messages);
    this.#answers = context.program.descriptor(handshakeDescriptors.answers);
    this.#answer = context.program.reserve(8);
  }

  /** A message whose value is filled in later with `program.store(register, message.field('value'), 0, 32)`. */
  message(tag: MessageTag): Data {
    return this.#context.program.struct('message', { tag: u32(messageTags[tag]), value: u32(0) });
  }

  say(message: Data): void {
    this.#context.program.syscall('write', [this.#messages, message, messageSize], {
      demand: messageSize,
    });
  }

  /** Waits for the runtime's answer; anything else than the token is a failure. */
  awaitToken(): void {
    const { program } = this.#context;
    program.syscall('read', [this.#answers, this.#answer, tokenSize], { demand: tokenSize });
    this.#context.borrow((answer) => {
      const right = program.label();
      program.load(answer, this.#answer, 0, 32).branchEqual(answer, token, right);
      program.fail('EPROTO');
      program.place(right);
    });
  }

  /** One step: says where the program is and waits until the runtime has done its part. */
  exchange(tag: MessageTag, stage: string, property?: string): void {
    this.#context.program.stage(stage).from(property);
    this.say(this.message(tag));
    this.awaitToken();
  }

  /** {@link exchange} of a message with the content of `value`. */
  exchangeValue(tag: MessageTag, value: Register): void {
    const message = this.message(tag);
    this.#context.program.store(value, message.field('value'), 0, 32);
    this.say(message);
    this.awaitToken();
  }

  /** Its other end is held by the runtime alone. */
  get lifeline(): number {
    return this.#answers;
  }

  /** Ends the conversation. The number that is returned is free for something else. */
  close(): number {
    this.#context.program.syscall('close', [this.#messages]);
    this.#context.program.syscall('close', [this.#answers]);
    return this.#answers;
  }
}
