/** What the exec routes need of the daemon. */
import type { ExecConfig } from '../../daemon/exec-store.ts';
import type { HijackedConnection } from '../../http/hijack.ts';

export interface ExecStart {
  detach: boolean;
  tty: boolean;
  consoleSize: [height: number, width: number] | undefined;
}

export interface ExecBackend {
  /** Throws not_found for the container, conflict unless it runs. */
  create(containerName: string, config: ExecConfig): { id: string };
  /** Throws not_found, or conflict when it was started already. Resolves when a stream, if any, is over. */
  start(
    id: string,
    options: ExecStart,
    takeOver: (tty: boolean) => HijackedConnection,
  ): Promise<void>;
  resize(id: string, size: { height: number; width: number }): Promise<void>;
  inspect(id: string): unknown;
}
