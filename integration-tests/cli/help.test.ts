/** Help of every command that docker has too, word for word but for the program's name and what we do not have. */
import fs from 'node:fs';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run } from '../harness/command.ts';
import { skip } from '../harness/peers.ts';

const docker = '/usr/local/bin/docker';
const engine = executablePath('engine');

const commands = [
  ...['attach', 'commit', 'cp', 'create', 'diff', 'events', 'exec', 'export', 'history', 'images'],
  ...['import', 'info', 'kill', 'load', 'login', 'logout', 'logs', 'pause', 'port', 'ps', 'pull'],
  ...['push', 'rename', 'restart', 'rm', 'rmi', 'run', 'save', 'search', 'start', 'stats', 'stop'],
  ...['tag', 'top', 'unpause', 'update', 'wait', 'container ls', 'container inspect'],
  ...['container prune', 'image inspect', 'image ls', 'image prune', 'system events'],
  ...['system prune', 'network connect', 'network create', 'network disconnect'],
  ...['network inspect', 'network ls', 'network prune', 'network rm', 'volume create'],
  ...['volume inspect', 'volume ls', 'volume prune', 'volume rm', 'context create'],
  ...['context export', 'context import', 'context inspect', 'context ls', 'context rm'],
  ...['context show', 'context update', 'context use'],
];

/** What docker has and we refuse by name: the rest of docker's help must be ours. */
const refused: Readonly<Record<string, readonly string[]>> = {
  create: [
    'cpu-count',
    'cpu-percent',
    'io-maxbandwidth',
    'io-maxiops',
    'kernel-memory',
    'use-api-socket',
  ],
  images: ['tree'],
  run: [
    'cpu-count',
    'cpu-percent',
    'io-maxbandwidth',
    'io-maxiops',
    'kernel-memory',
    'use-api-socket',
  ],
  start: ['checkpoint', 'checkpoint-dir'],
  'image ls': ['tree'],
  'volume create': [
    ...['availability', 'group', 'limit-bytes', 'required-bytes', 'scope', 'secret', 'sharing'],
    ...['topology-preferred', 'topology-required', 'type'],
  ],
  'volume ls': ['cluster'],
};

/** Words of help without its layout: columns move where a long flag is missing. */
function wordsOf(help: string, without: readonly string[]): string {
  const lines = help.split('\n');
  const kept: string[] = [];
  let isKept = true;
  for (const line of lines) {
    const flag = /^ {2}(?:-\w, | {4})--([\w-]+)/.exec(line)?.[1];
    if (flag !== undefined) isKept = !without.includes(flag);
    else if (!line.startsWith('   ')) isKept = true;
    if (isKept) kept.push(line);
  }
  return kept.join('\n').replaceAll(/\s+/g, ' ').trim();
}

describe('help', () => {
  before(function () {
    if (!fs.existsSync(docker)) skip(this, `needs ${docker}`, { allowedInCi: true });
  });

  for (const command of commands) {
    it(`of ${command} is docker's`, async () => {
      const words = [...command.split(' '), '--help'];
      const theirs = await run(docker, words);
      const ours = await run(engine, words);
      expect(ours.status).to.equal(0);
      const without = refused[command] ?? [];
      const expected = theirs.stdout
        .replaceAll(/\bdocker (?=[a-z[])/g, 'engine ')
        // The name of a flag, and its words.
        .replace(/--engine (stringToString +set the) engine/, '--docker $1 docker')
        // A slip in docker's own text.
        .replace('"|missing"', '"missing"')
        .replace(/(Show) (?:docker )?(disk usage)/, '$1 $2');
      if (without.length === 0) expect(ours.stdout.trimEnd()).to.equal(expected.trimEnd());
      else expect(wordsOf(ours.stdout, [])).to.equal(wordsOf(expected, without));
    });
  }

  for (const [command, flags] of Object.entries(refused)) {
    it(`refuses by name what ${command} does not have`, async () => {
      for (const flag of flags) {
        const { status, stderr } = await run(engine, [...command.split(' '), `--${flag}=1`, 'x']);
        expect(status, flag).to.equal(125);
        expect(stderr).to.contain(`flag --${flag} is not implemented yet`);
      }
    });
  }

  it('names every command of each group', async () => {
    for (const group of ['container', 'context', 'image', 'network', 'system', 'volume']) {
      const names = async (program: string): Promise<string[]> => {
        const { stdout } = await run(program, [group, '--help']);
        return [...stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name ?? '');
      };
      const theirs = await names(docker);
      const missing = theirs.filter(
        (name) => !['build', 'update'].includes(name) || ['container', 'context'].includes(group),
      );
      expect(await names(engine), group).to.deep.equal(missing);
    }
  });

  it('says of commands that we do not have that they are not implemented', async () => {
    for (const words of [
      ['build', '.'],
      ['image', 'build', '.'],
      ['swarm', 'init'],
      ['checkpoint', 'ls', 'x'],
    ]) {
      const { status, stderr } = await run(engine, words);
      expect(status).to.equal(1);
      expect(stderr).to.match(/^engine: 'engine [a-z ]+' is not implemented\n$/);
    }
  });

  it('is shown for what cannot be understood, with docker’s words and exit codes', async () => {
    const lines = [
      ...[['ps', 'x'], ['container', 'list', 'x'], ['frob'], ['container', 'frob'], ['run']],
      ...[
        ['run', '--frob', 'x'],
        ['ps', '--frob'],
        ['--frob'],
        ['cp', 'a'],
        ['kill'],
        ['ps', '-z'],
      ],
      ...[
        ['ps', '--all=maybe'],
        ['logs', '--tail'],
        ['run', '-m', 'much', 'x'],
        ['ps', '-f', 'x'],
      ],
    ];
    for (const line of lines) {
      const theirs = await run(docker, line);
      const ours = await run(engine, line);
      const expected = theirs.stderr.replaceAll(/\bdocker\b/g, 'engine').replace(/^See /m, 'Run ');
      expect({ line, status: ours.status, text: ours.stderr.trimEnd() }).to.deep.equal({
        line,
        status: theirs.status,
        text: expected.trimEnd(),
      });
    }
  });
});
