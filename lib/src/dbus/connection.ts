/** A connection to a bus, or to one peer: calls that await their answer, and signals. */
import { once } from 'node:events';
import net from 'node:net';
import { StackError } from '#spec/errors';
import { decodeMessage, encodeMessage, messageLength, type Message } from './message.ts';
import { textOf, type Value } from './signature.ts';

/** A method of an object. `destination` is needed on a bus. */
export interface MethodCall {
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly Value[];
}

/** The peer answered with an error; `errorName` is such as `org.freedesktop.DBus.Error.AccessDenied`. */
export class DBusError extends StackError {
  override readonly name = 'DBusError';
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super('internal', message || errorName);
    this.errorName = errorName;
  }
}

interface Waiting {
  resolve(body: readonly Value[]): void;
  reject(error: Error): void;
}

const callTimeoutMs = 30_000;

export class Connection {
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(message: Message) => void>();
  #received = Buffer.alloc(0);
  #serial = 0;
  #failure: Error | undefined;

  /** Logs in as the user that this process is (SASL EXTERNAL). Throws unavailable or permission_denied. */
  static async open(path: string): Promise<Connection> {
    const socket = net.connect(path);
    try {
      await once(socket, 'connect');
      const rest = await authenticate(socket);
      return new Connection(socket, rest);
    } catch (error) {
      socket.destroy();
      if (error instanceof StackError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new StackError('unavailable', `cannot reach the bus at "${path}": ${reason}`, {
        cause: error,
      });
    }
  }

  private constructor(socket: net.Socket, rest: Buffer) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () =>
      this.#fail(new StackError('unavailable', 'the bus closed the connection')),
    );
    this.#receive(rest);
  }

  /** Says hello to a bus and returns the name that it gave us. A single peer gives none and is not greeted. */
  async hello(): Promise<string> {
    const [name] = await this.call({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'Hello',
    });
    return textOf(name);
  }

  /** The body of the answer. Throws {@link DBusError}, and deadline_exceeded after 30 seconds. */
  call({ body = [], ...call }: MethodCall): Promise<readonly Value[]> {
    return new Promise((resolve, reject) => {
      const serial = this.send({ type: 'call', body, ...call });
      const deadline = setTimeout(() => {
        this.#waiting.delete(serial);
        reject(new StackError('deadline_exceeded', `${call.member}: no answer over D-Bus`));
      }, callTimeoutMs);
      this.#waiting.set(serial, {
        resolve(answer) {
          clearTimeout(deadline);
          resolve(answer);
        },
        reject(error) {
          clearTimeout(deadline);
          reject(error);
        },
      });
    });
  }

  /** Sends any message and returns its serial. Throws unavailable when the connection has ended. */
  send(message: Omit<Message, 'serial'>): number {
    if (this.#failure) throw this.#failure;
    const serial = ++this.#serial;
    this.#socket.write(encodeMessage({ ...message, serial }));
    return serial;
  }

  /** Every message that answers no call of ours: signals, mostly. The result ends it. */
  onMessage(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    try {
      for (let length = messageLength(this.#received); ; length = messageLength(this.#received)) {
        if (length === undefined || this.#received.length < length) return;
        const message = decodeMessage(this.#received.subarray(0, length));
        this.#received = this.#received.subarray(length);
        this.#dispatch(message);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
    }
  }

  #dispatch(message: Message): void {
    const { type, replySerial = 0 } = message;
    if (type !== 'reply' && type !== 'error') {
      for (const listener of [...this.#listeners]) listener(message);
      return;
    }
    const waiting = this.#waiting.get(replySerial);
    this.#waiting.delete(replySerial);
    if (type === 'reply') {
      waiting?.resolve(message.body);
    } else {
      const [text = ''] = message.body;
      waiting?.reject(new DBusError(message.errorName ?? '', typeof text === 'string' ? text : ''));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}

/** Returns what came behind the last line of the handshake. */
function authenticate(socket: net.Socket): Promise<Buffer> {
  const uid = Buffer.from(String(process.geteuid?.() ?? 0)).toString('hex');
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const settle = (act: () => void) => {
      socket.off('data', onData).off('error', reject).off('close', onClose);
      act();
    };
    const onClose = () =>
      settle(() => reject(new StackError('unavailable', 'the bus closed the connection')));
    const onData = (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const end = received.indexOf('\r\n');
      if (end < 0) return;
      const line = received.toString('latin1', 0, end);
      settle(() => {
        if (line.startsWith('OK ')) {
          socket.write('BEGIN\r\n');
          resolve(received.subarray(end + 2));
        } else {
          reject(new StackError('permission_denied', `the bus refuses to let us in: ${line}`));
        }
      });
    };
    socket.on('data', onData).on('error', reject).on('close', onClose);
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  });
}
