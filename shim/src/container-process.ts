/** A process of a container together with what is open for it: the live side of a ProcessState. */
import { StackError } from '#spec/errors';
import type { ProcessStdio } from './stdio/process-stdio.ts';
import type { ExitRecord, ProcessState, ProcessStatus } from './state.ts';

export class ContainerProcess {
  readonly state: ProcessState;
  stdio: ProcessStdio | undefined;
  /**
   * Exits are announced only after the event that they follow: while a start is under way the exit of a process that
   * was quick waits here.
   */
  startUnderWay = false;
  exitWaiting: ExitRecord | undefined;
  private readonly ended: Promise<ExitRecord>;
  private resolveEnded: (exit: ExitRecord) => void = () => undefined;

  constructor(state: ProcessState) {
    this.state = state;
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
  }

  /** Resolves when the process has ended and its exit is announced. */
  wait(): Promise<ExitRecord> {
    return this.ended;
  }

  /** Throws conflict unless the process is in one of `wanted`. */
  require(action: string, ...wanted: ProcessStatus[]): void {
    const { status } = this.state;
    if (wanted.includes(status)) return;
    throw new StackError('conflict', `cannot ${action} a ${status} process`);
  }

  /** Records the end; {@link wait} resolves. */
  end(exit: ExitRecord): void {
    this.state.status = 'stopped';
    this.state.exit = exit;
    this.stdio?.processEnded();
    this.resolveEnded(exit);
  }
}
