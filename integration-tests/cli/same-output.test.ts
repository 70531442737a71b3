/** What `engine` prints is what docker's command line prints of the same daemon, byte for byte, and it ends the same. */
import fs from 'node:fs';
import { expect } from 'chai';
import { run, type CommandResult } from '../harness/command.ts';
import { needRoot, skip } from '../harness/peers.ts';
import { daemons, type Daemon } from './daemons.ts';

const docker = '/usr/local/bin/docker';
const name = 'same-output';
const volume = 'same-output-volume';
const network = 'same-output-network';
const missing = 'no-such-thing';

/** Command lines that change nothing. */
function commandLines(image: string): string[][] {
  const container = name;
  return [
    ...[['ps'], ['ps', '-a', '--no-trunc'], ['ps', '-s'], ['ps', '-aq'], ['ps', '-n', '1']],
    ['ps', '--format', 'json'],
    ['ps', '--format', '{{.Names}}\\t{{.Label "tier"}}|{{.Mounts}}|{{.Networks}}|{{.CreatedAt}}'],
    ['ps', '--format', 'table {{.ID}}\\t{{.Names}}\\t{{.State}}\\t{{.LocalVolumes}}'],
    ['ps', '-a', '--filter', `name=${name}`, '--filter', 'status=running'],
    ['container', 'ls', '--format', '{{upper .Names}} {{pad .State 1 2}}{{truncate .Image 3}}'],
    ...[
      ['images', image],
      ['images', '-q', image],
      ['images', '--digests', '--no-trunc', image],
    ],
    ['images', '--format', 'json', image],
    ['images', '--format', '{{.Repository}}:{{.Tag}} {{.Size}} {{.CreatedAt}}', image],
    ...[
      ['history', image],
      ['history', '-q', image],
      ['history', '--no-trunc', '-H=false', image],
    ],
    ...[
      ['volume', 'ls'],
      ['volume', 'ls', '-q'],
      ['volume', 'ls', '--format', 'json'],
    ],
    ...[
      ['network', 'ls'],
      ['network', 'ls', '--no-trunc'],
      ['network', 'ls', '--format', 'json'],
    ],
    ...[
      ['inspect', container],
      ['inspect', '-f', 'json', image],
      ['inspect', volume],
    ],
    ['inspect', '-f', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}', container],
    ['inspect', '-f', '{{with .State}}{{.Status}} {{.ExitCode}}{{else}}none{{end}}', container],
    ['inspect', '-f', '{{range .Config.Env}}{{println .}}{{end}}', container],
    ['inspect', '-f', '{{printf "%-6s|%5d|%q" .Driver .State.ExitCode .Name}}', container],
    ['inspect', '-f', '{{json .Config.Labels}} {{len .Mounts}}', container],
    ['inspect', '-f', '{{index .Config.Labels "tier"}} {{ .Name | upper }}', container],
    ['inspect', '-f', '{{if and .State.Running (eq .State.ExitCode 0)}}up{{- end }} ', container],
    ...[
      ['inspect', missing],
      ['inspect', '-f', '{{frob}}', container],
    ],
    ...[
      ['network', 'inspect', network],
      ['volume', 'inspect', '-f', '{{.Name}}', volume],
    ],
    ...[
      ['image', 'inspect', '-f', '{{.Os}}', image, missing],
      ['container', 'inspect', missing],
    ],
    ...[
      ['top', container],
      ['port', container],
      ['diff', container],
      ['logs', container],
    ],
    ...[
      ['logs', '-n', '1', container],
      ['version', '-f', '{{.Server.Version}}'],
    ],
    ...[
      ['info', '-f', '{{.ServerVersion}} {{.OSType}}'],
      ['system', 'df', '--format', '{{.Type}}'],
    ],
    ...[
      ['logs', missing],
      ['stop', missing, missing],
      ['rm', missing],
      ['rmi', missing],
    ],
    ...[
      ['kill', missing],
      ['start', missing],
      ['top', missing],
      ['export', missing],
    ],
    ...[
      ['tag', missing, 'x'],
      ['rename', missing, 'x'],
      ['update', '-m', '64m', missing],
    ],
    ...[
      ['history', missing],
      ['diff', missing],
      ['pause', missing],
      ['unpause', container],
    ],
    ...[
      ['cp', `${missing}:/x`, '/tmp'],
      ['cp', 'x', 'y'],
      ['cp', 'a:b', 'c:d'],
      ['update', name],
    ],
    ...[
      ['volume', 'rm', missing],
      ['network', 'inspect', missing],
    ],
    ...[
      ['exec', missing, 'true'],
      ['exec', name, '/nothing'],
      ['wait', missing],
    ],
    ...[
      ['attach', missing],
      ['commit', missing],
      ['save', missing],
      ['port', missing],
    ],
    ...[
      ['load', '-i', '/no/file'],
      ['import', '/no/file'],
      ['save', '-o', '/no/dir/file', image],
    ],
    ...[
      ['create', '--pull', 'never', missing],
      ['create', '--ulimit', 'x', image],
    ],
    ...[
      ['create', '--device', 'x', image],
      ['create', '--device', '/a:/b:z', image],
    ],
    ...[
      ['create', '--mount', 'type=bind', image],
      ['create', '--mount', 'type=tmpfs,dst=/x,frob=1', image],
    ],
    ['create', '--mount', 'type=bind,src=/,dst=/x,volume-nocopy', image],
    ...[
      ['create', '--rm', '--restart', 'always', image],
      ['create', '--mac-address', 'x', image],
    ],
    ...[
      ['create', '--network', 'a', '--network', 'bridge', image],
      ['create', '-a', 'x', image],
    ],
    ...[
      ['create', '--network', 'name=a,frob=1', image],
      ['create', '--gpus', 'count=x', image],
    ],
    ...[
      ['create', '--no-healthcheck', '--health-cmd', 'x', image],
      ['create', '-m', 'x', image],
    ],
    ...[
      ['create', '--security-opt', 'seccomp=/no/file', image],
      ['create', '--cpus', 'x', image],
    ],
    ...[
      ['create', '--memory-swappiness', '101', image],
      ['create', '--add-host', 'x', image],
    ],
    ...[
      ['create', '--blkio-weight-device', 'x', image],
      ['create', '--device-read-bps', 'x', image],
    ],
    ...[
      ['create', '--device-read-iops', '/dev/null:x', image],
      ['create', '--env-file', '/no', image],
    ],
    ...[
      ['create', '--device-cgroup-rule', 'x', image],
      ['create', '--log-driver', 'none', '--log-opt', 'a=b', image],
    ],
    ...[
      ['create', '--pull', 'x', image],
      ['run', '-d', '-a', 'stdout', image],
    ],
    ['network', 'create', '--subnet', '10.9.0.0/24', '--gateway', '10.8.0.1', 'x'],
    ['network', 'create', '--gateway', '10.8.0.1', 'x'],
    ['network', 'create', '--subnet', '10.9.0.0/16', '--subnet', '10.9.8.0/24', 'x'],
  ];
}

for (const daemon of daemons) {
  describe(`engine and docker on ${daemon.name}`, () => {
    let peer: Daemon | undefined;

    before(async function () {
      needRoot(this);
      if (!fs.existsSync(docker)) skip(this, `needs ${docker}`, { allowedInCi: true });
      peer = await daemon.start(this);
      await peer.ok('volume', 'create', '--label', 'tier=back', volume);
      await peer.ok('network', 'create', network);
      await peer.ok(
        ...[
          'run',
          '-d',
          '--name',
          name,
          '--label',
          'tier=front',
          '-e',
          'A=b c',
          '--network',
          network,
        ],
        ...[
          '-v',
          `${volume}:/data`,
          peer.busybox,
          'sh',
          '-c',
          'echo one; echo two >&2; sleep 1000',
        ],
      );
    });

    after(async () => {
      await peer?.engine(['rm', '-fv', name]);
      await peer?.engine(['network', 'rm', network]);
      await peer?.engine(['volume', 'rm', volume]);
      await peer?.stop();
    });

    for (const line of commandLines('busybox:cli')) {
      it(line.join(' '), async () => {
        if (!peer) throw new Error('no daemon');
        const args = ['-H', peer.host, ...line];
        const theirs = shown(await run(docker, args), 'docker');
        const ours = shown(await peer.engine(line), 'engine');
        expect(ours).to.deep.equal(theirs);
      });
    }
  });
}

/** What a user sees, without the name of the program and without the seconds that pass between two programs. */
function shown({ status, stdout, stderr }: CommandResult, program: string): object {
  const anonymous = (text: string): string =>
    text
      .replaceAll(new RegExp(`\\b${program}\\b(?=[: ])`, 'g'), 'PROGRAM')
      .replace(/^See /m, 'Run ');
  const seconds = /(Less than a|\d+) seconds?( ago)?/g;
  const timeless = stdout
    .replaceAll(seconds, 'SECONDS')
    // Counted from API 1.51 on, which docker 28.2 does not speak yet.
    .replaceAll(/"Containers":"(\d+|N\/A)"/g, '"Containers":"COUNTED"');
  return {
    status,
    // One digit more makes a column wider.
    stdout: timeless === stdout ? stdout : timeless.replaceAll(/ +/g, ' '),
    stderr: anonymous(stderr),
  };
}
