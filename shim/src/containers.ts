/** The containers of a shim: one, or those of a group. */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import type { Container } from './container.ts';

export class Containers {
  private readonly byId = new Map<string, Container>();
  /** Ids whose creation is under way. */
  private readonly reserved = new Set<string>();

  /** One could not be made. */
  hasFailed = false;

  /** Throws not_found. */
  require(id: string): Container {
    const container = this.byId.get(id);
    if (container) return container;
    throw new StackError('not_found', `container "${id}" not created`);
  }

  find(id: string): Container | undefined {
    return this.byId.get(id);
  }

  list(): Container[] {
    return [...this.byId.values()];
  }

  /** Nothing is left for the shim to do. */
  get isEmpty(): boolean {
    return this.byId.size === 0 && this.reserved.size === 0;
  }

  add(container: Container): void {
    this.byId.set(container.state.id, container);
  }

  remove(id: string): void {
    this.byId.delete(id);
  }

  /** Runs `create` while nobody else can take the id. Throws already_exists. */
  async reserve<T>(id: string, create: () => Promise<T>): Promise<T> {
    if (this.byId.has(id) || this.reserved.has(id)) {
      throw new StackError('already_exists', `container "${id}" already exists`);
    }
    this.reserved.add(id);
    try {
      return await create();
    } catch (error) {
      this.hasFailed = true;
      throw error;
    } finally {
      this.reserved.delete(id);
    }
  }

  /** To be told about every child that has ended. */
  childExited(pid: number, exitStatus: number): void {
    for (const container of this.byId.values()) container.childExited(pid, exitStatus);
  }

  /** Forgets containers that have ended and whose bundles are gone: `delete` was run while this shim did not answer. */
  forgetAbandoned(): void {
    for (const [id, { state }] of this.byId) {
      if (state.init.status === 'stopped' && !fs.existsSync(state.bundle)) this.byId.delete(id);
    }
  }
}
