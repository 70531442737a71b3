/** `--cidfile`: where a new container's id is written. */
import fs from 'node:fs';
import { StackError, messageOf } from '#spec/errors';

/** Made before the container, so that no container exists whose id could not be written. */
export class CidFile {
  readonly #file: string;
  readonly #fd: number;
  #isWritten = false;

  /** Throws already_exists, in docker's words, for a file that is there: it may be another container's. */
  constructor(file: string) {
    this.#file = file;
    if (fs.existsSync(file)) {
      throw new StackError(
        'already_exists',
        `container ID file found, make sure the other container isn't running or delete ${file}`,
      );
    }
    try {
      this.#fd = fs.openSync(file, 'wx', 0o644);
    } catch (error) {
      throw new StackError(
        'invalid_argument',
        `failed to create the container ID file: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  write(id: string): void {
    fs.writeSync(this.#fd, id);
    this.#isWritten = true;
  }

  /** Takes the file away again if there is no container. */
  close(): void {
    fs.closeSync(this.#fd);
    if (!this.#isWritten) fs.rmSync(this.#file, { force: true });
  }
}
