/** The daemon behind the container routes. */
import { execFile } from 'node:child_process';
import { StackError } from '#spec/errors';
import type { ContainersBackend } from '../routes/containers/backend.ts';
import { attachContainer } from './attach-container.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import { commitContainer } from './commit-container.ts';
import { archivePath, changesOf, exportRoot, extractArchive, statPath } from './container-files.ts';
import { readContainerLogs, replayOf } from './container-logs.ts';
import { createContainer } from './create-container.ts';
import { containerStats } from './container-stats.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { findContainer, removeLink } from './links.ts';
import type { Engine } from './engine.ts';
import { inspectContainer } from './inspect-container.ts';
import { selectContainers, summarizeContainer } from './list-containers.ts';
import { pruneContainers } from './prune-containers.ts';
import { removeContainer } from './remove-container.ts';
import { startContainer } from './start-container.ts';
import {
  killContainer,
  notRunning,
  pauseContainer,
  restartContainer,
  stopContainer,
  unpauseContainer,
} from './stop-container.ts';
import { updateContainer } from './update-container.ts';
import { parseWaitCondition, waitForContainer } from './wait-container.ts';

export function containersBackend(engine: Engine): ContainersBackend {
  const { containers } = engine;
  const find = (name: string): Container => findContainer(containers, name);
  return {
    create: (body) => createContainer(engine, body),
    list: (options, version) =>
      selectContainers(engine, options).map((container) =>
        summarizeContainer(engine, container, version),
      ),
    inspect: (name) => inspectContainer(engine, find(name)),
    start: async (name) => startContainer(engine, find(name)),
    stop: async (name, { signal, seconds }) =>
      stopContainer(engine, find(name), { signal, ...(seconds !== undefined && { seconds }) }),
    restart: async (name, { signal, seconds }) =>
      restartContainer(engine, find(name), { signal, ...(seconds !== undefined && { seconds }) }),
    kill: async (name, signal) => killContainer(engine, find(name), signal),
    pause: async (name) => pauseContainer(engine, find(name)),
    unpause: async (name) => unpauseContainer(engine, find(name)),
    rename: async (name, newName) => rename(engine, find(name), newName),
    removeLink: (name) => removeLink(engine.containers, name),
    remove: async (name, options) => removeContainer(engine, find(name), options),
    update: async (name, changes) => updateContainer(engine, find(name), changes),
    stats: (name, options, signal) => containerStats(engine, find(name), options, signal),
    statPath: async (name, path) => statPath(engine, find(name), path),
    archivePath: async (name, path) => archivePath(engine, find(name), path),
    extractArchive: async (name, archive, options) =>
      extractArchive(engine, find(name), archive, options),
    exportRoot: async (name) => exportRoot(engine, find(name)),
    changes: async (name) => changesOf(engine, find(name)),
    commit: async (name, options) => commitContainer(engine, find(name), options),
    prune: (filters) => pruneContainers(engine, filters),
    resize: async (name, { height, width }) => {
      const container = find(name);
      if (!container.isRunning) throw notRunning(container);
      await engine.client.tasks.resizePty({ containerId: container.id, height, width });
      publishContainerEvent(engine, container, 'resize', {
        height: String(height),
        width: String(width),
      });
    },
    top: async (name, psArguments) => {
      const container = find(name);
      const answer = await top(engine, container, psArguments);
      publishContainerEvent(engine, container, 'top');
      return answer;
    },
    wait: (name, condition, signal) => ({
      result: waitForContainer(find(name), parseWaitCondition(condition), signal).then(
        ({ exitCode }) => ({ exitCode, error: '' }),
      ),
    }),
    hasTerminal: (name) => find(name).record.config.Tty,
    attach: async (name, query, takeOver) => {
      const container = find(name);
      const { status } = container.state;
      if (status === 'paused') {
        throw new StackError(
          'conflict',
          `container ${name} is paused, unpause the container before attach`,
        );
      }
      if (status === 'restarting') {
        throw new StackError(
          'conflict',
          `container ${name} is restarting, wait until the container is running`,
        );
      }
      const detachKeys = parseDetachKeys(query.detachKeys);
      const replay = query.logs ? await replayOf(engine, container, query) : undefined;
      await attachContainer(engine, container, await takeOver(container.record.config.Tty), {
        ...query,
        detachKeys,
        replay,
      });
    },
    logs: (name, query, signal) => readContainerLogs(engine, find(name), query, signal),
  };
}

async function rename(engine: Engine, container: Container, newName: string): Promise<void> {
  const { containers } = engine;
  await container.mutex.run(async () => {
    const oldName = container.record.name;
    if (newName === '') throw new StackError('invalid_argument', 'New name cannot be empty');
    if (newName.replace(/^\//, '') === oldName) {
      throw new StackError(
        'invalid_argument',
        'Renaming a container with the same name as its current name',
      );
    }
    container.record.name = containers.reserveName(newName, container.id);
    try {
      await containers.save(container);
    } catch (error) {
      containers.releaseName(container.record.name);
      container.record.name = oldName;
      throw error;
    }
    containers.releaseName(oldName);
    await engine.network.renamed(container.id, oldName, container.record.name);
    publishContainerEvent(engine, container, 'rename', { oldName: `/${oldName}` });
  });
}

/** Runs the host's ps, as docker does, and keeps the lines of the container's processes. */
async function top(
  { client }: Engine,
  container: Container,
  psArguments: string,
): Promise<{ Titles: string[]; Processes: string[][] }> {
  if (!container.isRunning) throw notRunning(container);
  if (/[^\w\s,=%:+.-]/.test(psArguments)) {
    throw new StackError('invalid_argument', `invalid ps arguments "${psArguments}"`);
  }
  const { processes } = await client.tasks.listPids({ containerId: container.id });
  const pids = new Set(processes.map(({ pid }) => String(pid)));
  const [header = '', ...rows] = (await ps(psArguments.split(/\s+/))).trimEnd().split('\n');
  const titles = header.trim().split(/\s+/);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) {
    throw new StackError('invalid_argument', "Couldn't find PID field in ps output");
  }
  return {
    Titles: titles,
    Processes: rows
      .map((row) => columns(row, titles.length))
      .filter((row) => pids.has(row[pidColumn] ?? '')),
  };
}

/** The last column takes the rest of the line. */
function columns(row: string, count: number): string[] {
  const words = row.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}

function ps(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('ps', args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) {
        reject(
          new StackError('internal', `ps: ${stderr.trim() || error.message}`, { cause: error }),
        );
      } else resolve(stdout);
    });
  });
}
