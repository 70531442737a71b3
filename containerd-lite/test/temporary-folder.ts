/** A folder for one test, removed after it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** To be called in a `describe`: the returned function gives the folder of the test that runs. */
export function useTemporaryFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'containerd-lite-'));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}
