/** The six kinds of hooks: where they run, what they read, and what their failure means. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import type { Hook, HookKind } from '#spec/oci/hooks';
import { waitFor } from '../harness/wait.ts';
import { describeContainers, processesIn, type Fixture } from './fixture.ts';

const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...more,
});

function create(fixture: Fixture, kind: HookKind, hooks: Hook[], args = ['true']) {
  return fixture.create(args, (config) => {
    config.hooks = { [kind]: hooks };
    config.root.readonly = false;
  });
}

describeContainers('hooks', (fixture) => {
  /** A directory that the container's root shares with the host, so that every hook can leave something there. */
  const shared = () => path.join(fixture().rootfs, 'shared');
  const read = (name: string) => fs.readFileSync(path.join(shared(), name), 'utf8');
  beforeEach(() => fs.mkdirSync(shared(), { mode: 0o777 }));

  it('run in the order of the specification, each with the state on its stdin', () => {
    const { bundle, id } = fixture();
    const outside = `cat >> ${shared()}/log; echo >> ${shared()}/log`;
    fixture().create(['true'], (config) => {
      config.root.readonly = false;
      config.annotations = { who: 'me' };
      config.hooks = {
        prestart: [shell(outside)],
        createRuntime: [shell(outside)],
        createContainer: [shell(outside)],
        startContainer: [shell('cat >> /shared/log; echo >> /shared/log')],
        poststart: [shell(outside)],
        poststop: [shell(outside)],
      };
    });
    const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
    expect(bundle.run(['start', id]).stderr).to.equal('');
    bundle.run(['kill', id, 'KILL']);
    expect(bundle.run(['delete', '--force', id]).status).to.equal(0);
    const states = read('log')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(states.map(({ status }) => status)).to.deep.equal([
      'created', // prestart belonged to start once
      'creating',
      'creating',
      'created',
      'running',
      'stopped',
    ]);
    for (const state of states.slice(0, 5)) {
      expect(state).to.deep.include({ id, pid, bundle: bundle.directory });
      expect(state.annotations).to.deep.equal({ who: 'me' });
    }
    expect(states[5]).not.to.have.property('pid');
  });

  it('find the container in the state creating, which nobody may start, kill or delete', () => {
    const { bundle, id } = fixture();
    const command = `${executablePath('runtime')} --root ${bundle.root}`;
    const commands = ['state', 'kill', 'start', 'delete --force'].map(
      (verb) => `${command} ${verb} ${id} >> ${shared()}/said 2>&1`,
    );
    const { stderr } = create(fixture(), 'createRuntime', [shell(`${commands.join('; ')}; true`)]);
    expect(stderr).to.equal('');
    expect(read('said'))
      .to.contain('"creating"')
      .and.contain('container not running')
      .and.contain('cannot start a container in the creating state')
      .and.contain(`cannot delete container ${id} that is being created`);
    expect(bundle.run(['state', id]).stdout).to.contain('"created"');
  });

  it('createContainer runs in the namespaces of the container, with the paths of the host', () => {
    const script = `hostname > ${shared()}/name; readlink /proc/self/ns/mnt > ${shared()}/mnt; ls -d ${shared()}`;
    expect(create(fixture(), 'createContainer', [shell(script)]).stderr).to.equal('');
    expect(read('mnt').trim()).not.to.equal(fs.readlinkSync('/proc/self/ns/mnt'));
  });

  it('startContainer runs with the paths of the container and only when it is started', () => {
    const { bundle, id } = fixture();
    const hook: Hook = { path: '/bin/sh', args: ['sh', '-c', 'hostname > /shared/name'] };
    create(fixture(), 'startContainer', [hook]);
    expect(fs.existsSync(path.join(shared(), 'name'))).to.equal(false);
    expect(bundle.run(['start', id]).stderr).to.equal('');
    expect(read('name')).to.equal('runtime\n');
  });

  it('get their own arguments and environment and nothing else', () => {
    const hook: Hook = {
      path: '/bin/sh',
      args: ['called-so', '-c', `echo $0 $A > ${shared()}/out; env >> ${shared()}/out`],
      env: ['A=b', 'PATH=/bin:/usr/bin'],
    };
    for (const kind of ['createRuntime', 'createContainer'] as const) {
      create(fixture(), kind, [hook]);
      const [first, ...env] = read('out').trim().split('\n');
      expect(first).to.equal('called-so b');
      expect(env).to.include('A=b');
      expect(env.some((line) => line.startsWith('HOME='))).to.equal(false);
      fixture().bundle.run(['delete', '--force', fixture().id]);
    }
  });

  it('createContainer hooks inherit no descriptor of the runtime', () => {
    create(fixture(), 'createContainer', [shell(`ls /proc/self/fd > ${shared()}/fds`)]);
    // 3 is the directory that ls reads
    expect(read('fds').trim().split('\n')).to.deep.equal(['0', '1', '2', '3']);
  });

  for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
    it(`${kind}: a failure is one of create, and leaves nothing`, () => {
      const { bundle, id } = fixture();
      const { status, stderr } = create(fixture(), kind, [
        shell('true'),
        shell('echo why >&2; exit 3'),
      ]);
      expect(status).to.equal(1);
      expect(stderr).to.contain(`${kind} hook #1: exit status 3`).and.contain('why');
      expect(bundle.run(['state', id]).stderr).to.contain('container does not exist');
    });

    it(`${kind}: a hook that takes too long is killed`, () => {
      const started = Date.now();
      const { status, stderr } = create(fixture(), kind, [shell('sleep 30', { timeout: 1 })]);
      expect(Date.now() - started).to.be.within(900, 10_000);
      expect(status).to.equal(1);
      expect(stderr).to.match(
        new RegExp(`${kind} hook #0: .*(timed out|ran past specified timeout of 1s)`),
      );
    });

    it(`${kind}: a hook that is not there is named`, () => {
      const { stderr } = create(fixture(), kind, [{ path: '/nope' }]);
      expect(stderr).to.match(new RegExp(`${kind} hook #0: .*no such file or directory`));
    });
  }

  it('startContainer: a failure is one of start', () => {
    const { bundle, id } = fixture();
    create(fixture(), 'startContainer', [shell('true'), shell('exit 4')]);
    const { status, stderr } = bundle.run(['start', id]);
    expect(status).to.equal(1);
    expect(stderr).to.contain('startContainer hook #1: exit status 4');
  });

  it('startContainer: what the hooks printed is told by start and by run', () => {
    const { bundle, id } = fixture();
    const hooks = [shell('echo one'), shell('echo two; echo three >&2; exit 4')];
    create(fixture(), 'startContainer', hooks);
    const told = 'startContainer hook #1: exit status 4, output: one\\ntwo\\nthree';
    expect(bundle.run(['start', id]).stderr).to.contain(told);
    bundle.run(['delete', '--force', id]);
    expect(bundle.run(['run', id]).stderr).to.contain(told);
  });

  it('startContainer: of what the hooks printed the beginning is told', () => {
    const { bundle, id } = fixture();
    const script = 'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 1';
    create(fixture(), 'startContainer', [shell(script)]);
    expect(bundle.run(['start', id]).stderr)
      .to.contain('exit status 1, output: line 0')
      .and.not.contain('line 1999');
  });

  it('startContainer: a hook that takes too long is killed', () => {
    const { bundle, id } = fixture();
    create(fixture(), 'startContainer', [
      { path: '/bin/sleep', args: ['sleep', '30'], timeout: 1 },
    ]);
    expect(bundle.run(['start', id]).stderr).to.contain('startContainer hook #0: timed out');
  });

  it('startContainer: a hook that is not there is named', () => {
    const { bundle, id } = fixture();
    create(fixture(), 'startContainer', [{ path: '/nope' }]);
    expect(bundle.run(['start', id]).stderr).to.contain(
      'startContainer hook #0: no such file or directory',
    );
  });

  it('poststart: a failure kills the container and fails start', async () => {
    const { bundle, id } = fixture();
    create(fixture(), 'poststart', [shell('exit 5')], ['sleep', '60']);
    const { status, stderr } = bundle.run(['start', id]);
    expect(status).to.equal(1);
    expect(stderr).to.contain('poststart hook #0: exit status 5');
    await waitFor('the container ended', () => processesIn(id).length === 0);
  });

  it('poststop: a failure is a warning, and the container is gone', () => {
    const { bundle, id } = fixture();
    create(fixture(), 'poststop', [shell('exit 6'), shell(`touch ${shared()}/second`)]);
    const { status, stderr } = bundle.run(['delete', '--force', id]);
    expect(status).to.equal(0);
    expect(stderr).to.contain('poststop hook #0: exit status 6');
    expect(fs.existsSync(path.join(shared(), 'second'))).to.equal(true);
  });

  it('a hook inside the container dies with the runtime', async () => {
    const { id } = fixture();
    const script = `kill -9 $(cat ${shared()}/runtime); exec sleep 60`;
    fixture().create(['true'], (config) => {
      config.root.readonly = false;
      config.hooks = {
        createRuntime: [shell(`echo $PPID > ${shared()}/runtime`)],
        // Without a pid namespace, so that the pid of the runtime means something to it.
        createContainer: [shell(script)],
      };
      config.linux!.namespaces = config.linux!.namespaces!.filter(({ type }) => type !== 'pid');
      config.mounts = config.mounts!.filter(({ type }) => type !== 'proc');
      delete config.linux!.maskedPaths;
      delete config.linux!.readonlyPaths;
    });
    await waitFor('its processes are gone', () => processesIn(id).length === 0);
  });
});
