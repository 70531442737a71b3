/** What runtimes say of themselves: `--version` and `features`, asked once of each program as it is on disk. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export interface RuntimeVersion {
  version: string;
  /** Empty where the program does not say. */
  commit: string;
}

/** No runtime needs longer; one that hangs must not hold `docker info` back. */
const timeoutMs = 5_000;

const run = promisify(execFile);

export class RuntimePrograms {
  readonly #answers = new Map<string, Promise<string | undefined>>();

  /** Undefined for a program that cannot be run or says nothing of the kind. */
  async version(binaryName: string): Promise<RuntimeVersion | undefined> {
    return parseRuntimeVersion((await this.#ask(binaryName, '--version')) ?? '');
  }

  /** The document of runtime-spec's features.md on one line; undefined for a program that has none. */
  async features(binaryName: string): Promise<string | undefined> {
    const answer = await this.#ask(binaryName, 'features');
    try {
      return answer === undefined ? undefined : JSON.stringify(JSON.parse(answer));
    } catch {
      return undefined; // prints something else
    }
  }

  #ask(binaryName: string, argument: string): Promise<string | undefined> {
    const file = findProgram(binaryName);
    if (file === undefined) return Promise.resolve(undefined);
    const { mtimeMs, ino } = fs.statSync(file);
    const key = [file, mtimeMs, ino, argument].join('\0');
    const known = this.#answers.get(key);
    if (known) return known;
    const answer = run(file, [argument], { timeout: timeoutMs }).then(
      ({ stdout }) => stdout,
      () => undefined, // a runtime without the command fails: it says nothing
    );
    this.#answers.set(key, answer);
    return answer;
  }
}

/** `runc version 1.1.5`, then `commit: …`: the form that docker reads. */
export function parseRuntimeVersion(output: string): RuntimeVersion | undefined {
  const version = /^.*\bversion\s+(\S+)/m.exec(output)?.[1];
  const commit = /^commit:\s*(\S+)/m.exec(output)?.[1];
  if (version === undefined && commit === undefined) return undefined;
  return { version: version ?? '', commit: commit ?? '' };
}

function findProgram(name: string): string | undefined {
  const candidates = name.includes('/')
    ? [name]
    : (process.env['PATH'] ?? '').split(':').map((folder) => path.join(folder, name));
  return candidates.find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
}
