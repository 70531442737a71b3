/** A process of a container together with what is open for it: the live side of a ProcessState. */
import { StackError } from '#spec/errors';
import type { ProcessStdio } from './stdio/process-stdio.ts';
import type { ExitRecord, ProcessState, ProcessStatus } from './state.ts';

export class ContainerProcess {
  readonly state: ProcessState;
  stdio: ProcessStdio | undefined;
  /** Exits are announced only after the event that they follow: that of a process that was quick waits meanwhile. */
  startUnderWay = false;
  private readonly ended: Promise<ExitRecord>;
  private resolveEnded: (exit: ExitRecord) => void = () => undefined;

  /** `stdio` is what a predecessor had open. */
  constructor(state: ProcessState, stdio?: ProcessStdio) {
    this.state = state;
    this.stdio = stdio;
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    if (state.status === 'stopped' && state.exit) this.resolveEnded(state.exit);
  }

  /** Resolves when the process has ended and its exit is announced. */
  wait(): Promise<ExitRecord> {
    return this.ended;
  }

  /** Whether its end is known and was not announced. */
  get exitWaits(): boolean {
    return this.state.exit !== undefined && this.state.status !== 'stopped';
  }

  /** Throws conflict unless the process is in one of `wanted`. */
  require(action: string, ...wanted: ProcessStatus[]): void {
    const { status } = this.state;
    if (wanted.includes(status) && !this.exitWaits) return;
    throw new StackError('conflict', `cannot ${action} a ${status} process`);
  }

  /** The end is announced; {@link wait} resolves. */
  end(exit: ExitRecord): void {
    this.state.status = 'stopped';
    this.state.exit = exit;
    this.stdio?.processEnded();
    this.resolveEnded(exit);
  }
}
