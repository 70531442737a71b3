/** Listeners of this process, signals among them, that are taken away again together. */
export class ProcessHooks {
  private readonly removals: (() => void)[] = [];

  /** `event`: a signal, or an event of node:process. */
  on(event: string, listener: (argument: unknown) => void): void {
    const emitter: NodeJS.EventEmitter = process;
    emitter.on(event, listener);
    this.removals.push(() => emitter.off(event, listener));
  }

  /** Does `act` as well when the listeners go. */
  onRemoval(act: () => void): void {
    this.removals.push(act);
  }

  remove(): void {
    for (const act of this.removals.splice(0)) act();
  }
}
