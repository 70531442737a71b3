/**
 * systemd over D-Bus (org.freedesktop.systemd1(5)): units that exist as long as their processes, as containers want
 * them. Starting and stopping is a job of systemd's: it is over when the signal JobRemoved says so.
 */
import path from 'node:path';
import { socketPath } from '#lib/dbus/address';
import { Connection, DBusError } from '#lib/dbus/connection';
import type { Message } from '#lib/dbus/message';
import { textOf, type Value, type Variant } from '#lib/dbus/signature';
import { StackError } from '#spec/errors';

/** A property of a unit by name. */
export type Property = readonly [name: string, value: Variant];

const destination = 'org.freedesktop.systemd1';
const managerPath = '/org/freedesktop/systemd1';
const managerInterface = 'org.freedesktop.systemd1.Manager';
const jobTimeoutMs = 30_000;

const systemBus = 'unix:path=/run/dbus/system_bus_socket';
/** Where systemd itself listens; for root, and for as long as there is no bus. */
const privateSocket = '/run/systemd/private';

export class SystemdManager {
  readonly #connection: Connection;
  readonly #onBus: boolean;

  private constructor(connection: Connection, onBus: boolean) {
    this.#connection = connection;
    this.#onBus = onBus;
  }

  /** The machine's systemd, or with `user` that of the user. Throws unavailable where none answers. */
  static async connect({ user }: { user: boolean }): Promise<SystemdManager> {
    try {
      const connection = await Connection.open(socketPath(busAddress(user)));
      try {
        await connection.hello();
        const manager = new SystemdManager(connection, true);
        await manager.#subscribe();
        return manager;
      } catch (error) {
        connection.close();
        throw error;
      }
    } catch (error) {
      if (user || process.env.DBUS_SYSTEM_BUS_ADDRESS) throw unavailable(error);
      try {
        return new SystemdManager(await Connection.open(privateSocket), false);
      } catch {
        throw unavailable(error);
      }
    }
  }

  /** 252 for `252.38-1~deb12u1`; 0 where systemd says something else. */
  async version(): Promise<number> {
    const text = await this.#property('Version');
    return Number(/\d+/.exec(text)?.[0] ?? 0);
  }

  /** The cgroup of this systemd itself: empty, or for a user such as `/user.slice/…/user@1000.service`. */
  controlGroup(): Promise<string> {
    return this.#property('ControlGroup');
  }

  /**
   * Starts a unit that has no file, and waits until it runs. A failed one of that name, left from earlier, is
   * forgotten first. Throws what systemd says.
   */
  async startTransientUnit(unit: string, properties: readonly Property[]): Promise<void> {
    const start = () =>
      this.#job('StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, 'replace', properties, []]);
    let result: string;
    try {
      result = await start();
    } catch (error) {
      if (!isError(error, 'org.freedesktop.systemd1.UnitExists')) throw error;
      await this.resetFailedUnit(unit);
      result = await start();
    }
    if (result === 'done') return;
    await this.resetFailedUnit(unit);
    throw new StackError('internal', `error creating systemd unit "${unit}": got "${result}"`);
  }

  /** Stops a unit and waits until that is done. One that is gone is success. */
  async stopUnit(unit: string): Promise<void> {
    try {
      await this.#job('StopUnit', 'ss', [unit, 'replace']);
    } catch (error) {
      if (!isError(error, 'org.freedesktop.systemd1.NoSuchUnit')) throw error;
    }
    await this.resetFailedUnit(unit);
  }

  /** Changes a running unit until the machine restarts. */
  async setUnitProperties(unit: string, properties: readonly Property[]): Promise<void> {
    if (properties.length === 0) return;
    await this.#call('SetUnitProperties', 'sba(sv)', [unit, true, properties]);
  }

  /** Forgets that a unit has failed: systemd keeps it until then. */
  async resetFailedUnit(unit: string): Promise<void> {
    try {
      await this.#call('ResetFailedUnit', 's', [unit]);
    } catch (error) {
      if (!(error instanceof DBusError)) throw error; // one that has not failed is not loaded any more
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** On a bus systemd sends signals to those only who have asked for them. */
  async #subscribe(): Promise<void> {
    const rule = `type='signal',sender='${destination}',interface='${managerInterface}',member='JobRemoved',path='${managerPath}'`;
    await this.#connection.call({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'AddMatch',
      signature: 's',
      body: [rule],
    });
    await this.#call('Subscribe', '', []);
  }

  async #property(name: string): Promise<string> {
    const [variant] = await this.#connection.call({
      ...this.#target('org.freedesktop.DBus.Properties'),
      member: 'Get',
      signature: 'ss',
      body: [managerInterface, name],
    });
    const { value } = variant as Variant; // what Properties.Get answers with
    return typeof value === 'string' ? value : '';
  }

  /** Calls a method that begins a job; returns the job's result: done, failed, cancelled, … */
  async #job(member: string, signature: string, body: readonly Value[]): Promise<string> {
    // The signal may come before the answer that names the job.
    const ended = new Map<string, string>();
    let wake: () => void = () => undefined;
    const stop = this.#connection.onMessage((message) => {
      const [job, result] = jobRemoved(message) ?? [];
      if (job === undefined || result === undefined) return;
      ended.set(job, result);
      wake();
    });
    try {
      const [job] = await this.#call(member, signature, body);
      const name = textOf(job);
      return await new Promise((resolve, reject) => {
        const deadline = setTimeout(
          () =>
            reject(
              new StackError(
                'deadline_exceeded',
                `timeout waiting for systemd: ${member} ${textOf(body[0])}`,
              ),
            ),
          jobTimeoutMs,
        );
        wake = () => {
          const result = ended.get(name);
          if (result === undefined) return;
          clearTimeout(deadline);
          resolve(result);
        };
        wake();
      });
    } finally {
      stop();
    }
  }

  #call(member: string, signature: string, body: readonly Value[]): Promise<readonly Value[]> {
    return this.#connection.call({ ...this.#target(managerInterface), member, signature, body });
  }

  #target(name: string) {
    return { ...(this.#onBus && { destination }), path: managerPath, interface: name };
  }
}

/** Path of the job and its result. */
function jobRemoved({ type, member, body }: Message): [job: string, result: string] | undefined {
  if (type !== 'signal' || member !== 'JobRemoved') return undefined;
  const [, job, , result] = body; // id, path of the job, unit, result
  return [textOf(job), textOf(result)];
}

function busAddress(user: boolean): string {
  if (!user) return process.env.DBUS_SYSTEM_BUS_ADDRESS || systemBus;
  const { DBUS_SESSION_BUS_ADDRESS: session, XDG_RUNTIME_DIR: directory } = process.env;
  if (session) return session;
  if (directory) return `unix:path=${path.join(directory, 'bus')}`;
  return `unix:path=/run/user/${process.geteuid?.() ?? 0}/bus`;
}

function isError(error: unknown, name: string): boolean {
  return error instanceof DBusError && error.errorName === name;
}

function unavailable(cause: unknown): StackError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StackError(
    'unavailable',
    `systemd cgroup flag passed, but systemd support for managing cgroups is not available: ${reason}`,
    { cause },
  );
}
