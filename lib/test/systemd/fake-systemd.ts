/**
 * Plays org.freedesktop.systemd1 on a bus and records what it is asked. As the real one it answers a job at once and
 * says JobRemoved later, or, where a test wants that, before the answer.
 */
import { Connection } from '#lib/dbus/connection';
import type { Message } from '#lib/dbus/message';
import type { Value, Variant } from '#lib/dbus/signature';

const managerPath = '/org/freedesktop/systemd1';
const manager = 'org.freedesktop.systemd1.Manager';

export interface RecordedCall {
  readonly member: string;
  readonly body: readonly Value[];
}

export interface FakeBehaviour {
  version?: string;
  controlGroup?: string;
  /** Result of jobs; default done. */
  jobResult?: string;
  /** JobRemoved comes before the answer. */
  early?: boolean;
  /** Units that exist already, until they are reset. */
  existing?: string[];
  /** Called for each unit that starts, before its job is over. */
  onStart?: (unit: string, properties: ReadonlyMap<string, Value>) => void;
  onStop?: (unit: string) => void;
}

export class FakeSystemd {
  readonly calls: RecordedCall[] = [];
  behaviour: FakeBehaviour = {};
  readonly #connection: Connection;
  #jobs = 0;

  static async start(bus: string): Promise<FakeSystemd> {
    const connection = await Connection.open(bus);
    await connection.hello();
    const fake = new FakeSystemd(connection);
    await connection.call({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'RequestName',
      signature: 'su',
      body: ['org.freedesktop.systemd1', 0],
    });
    return fake;
  }

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.onMessage((message) => {
      if (message.type === 'call') this.#answer(message);
    });
  }

  close(): void {
    this.#connection.close();
  }

  /** The names of the calls since the last {@link forget}, without those that every client begins with. */
  get members(): string[] {
    return this.calls.map(({ member }) => member);
  }

  forget(): void {
    this.calls.length = 0;
  }

  /** The properties of the last unit that was started, by name; of those that occur twice the last. */
  get properties(): ReadonlyMap<string, Value> {
    const call = this.calls.findLast(({ member }) => member === 'StartTransientUnit');
    return propertyMap(call?.body[2] ?? []);
  }

  #answer(call: Message): void {
    const { member = '', body } = call;
    if (member !== 'Subscribe' && member !== 'Get') this.calls.push({ member, body });
    const { version = '252.38-1', controlGroup = '', existing = [] } = this.behaviour;
    const unit = typeof body[0] === 'string' ? body[0] : '';
    switch (member) {
      case 'Get': {
        const value = body[1] === 'Version' ? version : controlGroup;
        this.#reply(call, 'v', [{ signature: 's', value } satisfies Variant]);
        break;
      }
      case 'StartTransientUnit':
        if (existing.includes(unit)) {
          this.#error(call, 'org.freedesktop.systemd1.UnitExists', `Unit ${unit} already exists.`);
          break;
        }
        this.behaviour.onStart?.(unit, propertyMap(body[2] ?? []));
        this.#job(call, unit);
        break;
      case 'StopUnit':
        this.behaviour.onStop?.(unit);
        this.#job(call, unit);
        break;
      case 'ResetFailedUnit':
        this.behaviour.existing = existing.filter((name) => name !== unit);
        this.#reply(call, '', []);
        break;
      default:
        this.#reply(call, '', []);
    }
  }

  #job(call: Message, unit: string): void {
    const job = `${managerPath}/job/${++this.#jobs}`;
    const { jobResult = 'done', early = false } = this.behaviour;
    const removed = () =>
      this.#connection.send({
        type: 'signal',
        path: managerPath,
        interface: manager,
        member: 'JobRemoved',
        signature: 'uoss',
        body: [this.#jobs, job, unit, jobResult],
      });
    if (early) removed();
    this.#reply(call, 'o', [job]);
    if (!early) setTimeout(removed, 10);
  }

  #reply(call: Message, signature: string, body: readonly Value[]): void {
    this.#connection.send({
      type: 'reply',
      replySerial: call.serial,
      ...(call.sender !== undefined && { destination: call.sender }),
      ...(signature !== '' && { signature }),
      body,
    });
  }

  #error(call: Message, errorName: string, text: string): void {
    this.#connection.send({
      type: 'error',
      errorName,
      replySerial: call.serial,
      ...(call.sender !== undefined && { destination: call.sender }),
      signature: 's',
      body: [text],
    });
  }
}

function propertyMap(properties: Value): ReadonlyMap<string, Value> {
  return new Map((properties as [string, Variant][]).map(([name, { value }]) => [name, value]));
}
