/**
 * Failures: the phrases that docker, containerd and podman look for, in the same cases as runc, and what the JSON log
 * says beyond them.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { needPeers } from '../harness/peers.ts';
import { describeContainers } from './fixture.ts';

interface LogRecord {
  level: string;
  msg: string;
  time: string;
  operation?: string;
  property?: string;
  path?: string;
  errno?: string;
  cause?: string;
}

interface Case {
  readonly what: string;
  readonly change: (config: RuntimeConfig) => void;
  /** In the messages of both. */
  readonly phrase: RegExp;
  /** Fields of our record. */
  readonly fields: Partial<LogRecord>;
}

const command =
  (...args: string[]) =>
  (config: RuntimeConfig) => {
    config.process.args = args;
  };

const cases: readonly Case[] = [
  {
    what: 'a command that is nowhere in PATH',
    change: command('nope'),
    phrase:
      /unable to start container process: .*exec: "nope": executable file not found in \$PATH/,
    fields: { property: 'process.args[0]' },
  },
  {
    what: 'a command whose path does not exist',
    change: command('/nope'),
    phrase:
      /unable to start container process: .*exec: "\/nope": stat \/nope: no such file or directory/,
    fields: { property: 'process.args[0]', errno: 'ENOENT', path: '/nope' },
  },
  {
    what: 'a command that may not be executed',
    change: command('/etc/not-executable'),
    phrase: /unable to start container process: .*exec: "\/etc\/not-executable": permission denied/,
    fields: { property: 'process.args[0]', errno: 'EACCES', path: '/etc/not-executable' },
  },
  {
    what: 'a command that is a directory',
    change: command('/etc'),
    phrase:
      /unable to start container process: .*exec: "\/etc": (is a directory: )?permission denied/,
    fields: { property: 'process.args[0]' },
  },
  {
    what: 'a working directory that is a file',
    change: ({ process }) => (process.cwd = '/etc/garbage'),
    phrase: /unable to start container process: .*\/etc\/garbage.*not a directory/,
    fields: { property: 'process.cwd', errno: 'ENOTDIR', path: '/etc/garbage' },
  },
  {
    what: 'a source that does not exist',
    change: ({ mounts }) =>
      mounts!.push({ destination: '/x', type: 'bind', source: '/nope', options: ['bind'] }),
    phrase: /stat \/nope: no such file or directory/,
    fields: { property: 'mounts[7].source', errno: 'ENOENT', path: '/nope' },
  },
  {
    what: 'a file system that the kernel does not have',
    change: ({ mounts }) => mounts!.push({ destination: '/x', type: 'nofs', source: 'x' }),
    phrase: /unable to start container process: .*\/x.*no such device/,
    fields: {
      operation: 'mount /x',
      property: 'mounts[7]',
      errno: 'ENODEV',
      cause: 'the kernel has no such file system',
    },
  },
  {
    what: 'an option that the file system does not know',
    change: ({ mounts }) =>
      mounts!.push({ destination: '/x', type: 'tmpfs', source: 'x', options: ['bogus=1'] }),
    phrase: /unable to start container process: .*\/x.*bogus.*invalid argument/,
    fields: {
      operation: 'mount /x',
      property: 'mounts[7]',
      errno: 'EINVAL',
      cause: 'the file system does not know this option or value',
    },
  },
  {
    what: 'a sysctl that does not exist',
    change: ({ linux }) => (linux!.sysctl = { 'net.ipv4.nope': '1' }),
    phrase: /unable to start container process: .*sys\/net\/ipv4\/nope.*no such file or directory/,
    fields: { property: 'linux.sysctl["net.ipv4.nope"]', errno: 'ENOENT' },
  },
  {
    what: 'a root that does not exist',
    change: ({ root }) => (root.path = 'nope'),
    phrase: /rootfs.*\/nope/,
    fields: { property: 'root.path' },
  },
  {
    what: 'a user namespace without maps',
    change: ({ linux }) => linux!.namespaces!.push({ type: 'user' }),
    phrase: /user namespace/i,
    fields: { property: 'linux.uidMappings' },
  },
  {
    what: 'too little memory for the container to begin',
    change: ({ linux }) => {
      linux!.resources = { ...linux!.resources, memory: { limit: 4096 } };
    },
    phrase: /memory limit/,
    fields: { property: 'linux.resources.memory.limit' },
  },
];

describeContainers('errors', (fixture) => {
  /** The last record of the JSON log, which is what callers show. */
  function lastRecord(program: string, args: string[]): LogRecord {
    const { directory } = fixture().bundle;
    const log = path.join(directory, 'log.json');
    const root = path.join(directory, `state-${path.basename(program)}`);
    fs.rmSync(log, { force: true });
    const logging = ['--root', root, '--log', log, '--log-format', 'json'];
    const { status, stderr } = spawnSync(program, [...logging, ...args], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(status, stderr).to.equal(1);
    const lines = fs.readFileSync(log, 'utf8').trim().split('\n');
    const record = JSON.parse(lines.at(-1) ?? '') as LogRecord;
    expect(record.level).to.equal('error');
    expect(stderr.trim().split('\n').at(-1)).to.equal(record.msg);
    return record;
  }

  for (const { what, change, phrase, fields } of cases) {
    it(`${what}: as runc says it, with what is behind it`, function () {
      const { runc } = needPeers(this, 'runc');
      const { bundle, id } = fixture();
      bundle.configure(['true'], change);
      for (const verb of ['create', 'run']) {
        expect(lastRecord(runc, [verb, id]).msg).to.match(phrase);
        const ours = lastRecord(executablePath('runtime'), [verb, id]);
        expect(ours.msg)
          .to.match(phrase)
          .and.match(new RegExp(`^runtime ${verb} failed: `));
        expect(ours).to.include(fields);
      }
      const state = path.join(bundle.directory, 'state-runtime');
      expect(fs.existsSync(state) ? fs.readdirSync(state) : []).to.deep.equal([]);
    });
  }

  it('of containers that are not there, or have ended, are those of runc', function () {
    const { runc } = needPeers(this, 'runc');
    const { id } = fixture();
    const programs = [runc, executablePath('runtime')];
    for (const verb of [['state'], ['start'], ['kill'], ['delete'], ['pause'], ['ps']]) {
      const [theirs, ours] = programs.map((program) => lastRecord(program, [...verb, id]).msg);
      expect(ours, verb.join(' ')).to.equal(theirs);
    }
    expect(programs.map((program) => lastRecord(program, ['state', 'a/b']).msg)[1]).to.contain(
      'invalid container id format',
    );
  });

  it('of verbs on a container that has ended are those of runc', function () {
    const { runc } = needPeers(this, 'runc');
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    const messages = [runc, executablePath('runtime')].map((program) => {
      const root = path.join(bundle.directory, `state-${path.basename(program)}`);
      const call = (...args: string[]) =>
        spawnSync(program, ['--root', root, ...args], { cwd: bundle.directory, stdio: 'ignore' });
      call('run', '--keep', id);
      try {
        return [
          ['kill', id],
          ['exec', id, 'true'],
          ['pause', id],
          ['start', id],
        ].map((args) => {
          const log = path.join(bundle.directory, 'log.json');
          fs.rmSync(log, { force: true });
          call('--log', log, '--log-format', 'json', ...args);
          const last = fs.readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '';
          return (JSON.parse(last) as LogRecord).msg;
        });
      } finally {
        call('delete', '--force', id);
      }
    });
    expect(messages[1]).to.deep.equal(messages[0]);
  });
});
