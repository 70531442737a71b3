/** The runtime's end of the conversation with a program (compile/handshake.ts draws it). Blocks. */
import fs from 'node:fs';
import { pipe } from '#lib/sys/posix-spawn';
import { errorCode } from '#spec/errors';
import {
  handshakeDescriptors,
  messageSize,
  messageTags,
  token,
  type MessageTag,
} from '../compile/handshake.ts';

export interface Message {
  readonly tag: MessageTag;
  readonly value: number;
}

/** How often it is looked for a message that is late by some microseconds. */
const overduePollMs = 1;

export class HandshakePartner {
  readonly #messages = pipe();
  readonly #answers = pipe();
  #theirsOpen = true;

  /** The program's ends, by the names it gave them. */
  get descriptors(): Readonly<Record<string, number>> {
    return {
      [handshakeDescriptors.messages]: this.#messages.writeEnd,
      [handshakeDescriptors.answers]: this.#answers.readEnd,
    };
  }

  /** To be called when the program has started: only then does its death end the stream. */
  releaseTheirs(): void {
    if (!this.#theirsOpen) return;
    this.#theirsOpen = false;
    fs.closeSync(this.#messages.writeEnd);
    fs.closeSync(this.#answers.readEnd);
  }

  /** The next message; undefined when the program and all it cloned are gone. */
  receive(): Message | undefined {
    const bytes = Buffer.alloc(messageSize);
    const length = fs.readSync(this.#messages.readEnd, bytes);
    return this.#parse(bytes, length);
  }

  /** {@link receive} for a process that has other things to do meanwhile. */
  async receiveLater(): Promise<Message | undefined> {
    const bytes = Buffer.alloc(messageSize);
    const length = await new Promise<number>((resolve, reject) => {
      fs.read(this.#messages.readEnd, bytes, 0, messageSize, null, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
    return this.#parse(bytes, length);
  }

  /**
   * {@link receive} of a message that must be on its way, because a later one is here. Undefined when its sender, of
   * which `isAlive` tells, has died: others may hold the pipe open, and wait.
   */
  receiveOverdue(isAlive: () => boolean): Message | undefined {
    const { O_RDONLY, O_NONBLOCK } = fs.constants;
    const reader = fs.openSync(`/proc/self/fd/${this.#messages.readEnd}`, O_RDONLY | O_NONBLOCK);
    try {
      while (true) {
        const lives = isAlive(); // asked first: what it said before it died is then read
        const bytes = Buffer.alloc(messageSize);
        const length = readIfThere(reader, bytes);
        if (length !== undefined) return this.#parse(bytes, length);
        if (!lives) return undefined;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, overduePollMs);
      }
    } finally {
      fs.closeSync(reader);
    }
  }

  /** Lets the program go on. */
  answer(): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(token);
    fs.writeSync(this.#answers.writeEnd, bytes);
  }

  /** Ends the conversation: a program that still waits for an answer fails. */
  close(): void {
    this.releaseTheirs();
    fs.closeSync(this.#messages.readEnd);
    fs.closeSync(this.#answers.writeEnd);
  }

  #parse(bytes: Buffer, length: number): Message | undefined {
    if (length !== messageSize) return undefined;
    const number = bytes.readUInt32LE(0);
    const names = Object.entries(messageTags) as [MessageTag, number][];
    const tag = names.find(([, value]) => value === number)?.[0];
    return tag && { tag, value: bytes.readUInt32LE(4) };
  }
}

function readIfThere(fd: number, bytes: Buffer): number | undefined {
  try {
    return fs.readSync(fd, bytes);
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return undefined;
    throw error;
  }
}
