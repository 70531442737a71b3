/** What runc and the runtime print about the same container, compared: callers parse it without asking who it was. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { needPeers } from '../harness/peers.ts';
import { describeContainers } from './fixture.ts';

/** Names of all properties, those of list items as of one: `linux.seccomp.actions`. */
function shapeOf(value: unknown, place = ''): string[] {
  if (typeof value !== 'object' || value === null) return [place];
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => shapeOf(item, place)))];
  return Object.entries(value).flatMap(([key, item]) => shapeOf(item, `${place}.${key}`));
}

const sorted = (value: unknown) => shapeOf(value).sort();

describeContainers('like runc', (fixture) => {
  let runc = '';
  before(function () {
    runc = needPeers(this, 'runc').runc;
  });

  /** Both run on the same bundle, each below a root of its own. */
  const programs = () =>
    [runc, executablePath('runtime')].map((file, index) => {
      const id = `${fixture().id}-${index}`;
      const root = path.join(fixture().bundle.directory, `root-${index}`);
      const call = (...args: string[]): string => {
        const { status, stdout, stderr } = spawnSync(file, ['--root', root, ...args], {
          cwd: fixture().bundle.directory,
          encoding: 'utf8',
          timeout: 30_000,
        });
        expect(status, `${file} ${args.join(' ')}: ${stderr}`).to.equal(0);
        return stdout;
      };
      const detached = (...args: string[]): void => {
        const options = { cwd: fixture().bundle.directory, stdio: 'ignore' } as const;
        expect(spawnSync(file, ['--root', root, ...args], options).status).to.equal(0);
      };
      return { id, root, call, detached };
    });

  /** The same question to both, of a container that sleeps. */
  function ask(...questions: ((id: string) => string[])[]): [string[], string[]] {
    fixture().bundle.configure(['sleep', '60'], (config) => {
      config.annotations = { 'org.example.a': 'b' };
      delete config.linux!.cgroupsPath;
    });
    const answers = programs().map(({ id, call, detached }) => {
      try {
        detached('run', '--detach', id);
        return questions.map((question) => call(...question(id)));
      } finally {
        detached('delete', '--force', id);
      }
    });
    return [answers[0] ?? [], answers[1] ?? []];
  }

  const json = (text = '') => JSON.parse(text) as unknown;

  it('state, list and ps have the same properties, columns and spaces', () => {
    const [theirs, ours] = ask(
      (id) => ['state', id],
      () => ['list', '--format', 'json'],
      () => ['list'],
      () => ['list', '--quiet'],
      (id) => ['ps', id],
      (id) => ['ps', '--format', 'json', id],
    );
    expect(Object.keys(json(ours[0]) as object)).to.deep.equal(
      Object.keys(json(theirs[0]) as object),
    );
    expect(sorted(json(ours[1]))).to.deep.equal(sorted(json(theirs[1])));
    const [their, our] = [json(theirs[1]), json(ours[1])] as { owner: string }[][];
    expect(our?.[0]?.owner).to.equal(their?.[0]?.owner);
    expect(ours[1]?.split('\n')).to.have.length(2);
    // The columns before the time, which runc prints with more digits.
    const columns = (text = '') => text.slice(0, text.indexOf('CREATED'));
    expect(columns(ours[2])).to.equal(columns(theirs[2]));
    for (const answer of [theirs[2], ours[2]]) expect(answer).to.match(/[\d.]Z {3}root\n$/);
    expect(ours[3]).to.equal(`${fixture().id}-1\n`);
    expect(theirs[3]).to.equal(`${fixture().id}-0\n`);
    expect(ours[4]?.split('\n')[0]).to.equal(theirs[4]?.split('\n')[0]);
    for (const answer of [theirs[5], ours[5]]) expect(answer).to.match(/^\[\d+\]\n$/);
  });

  it('list without containers', () => {
    const [their, our] = programs().map(({ root, call }) => {
      fs.mkdirSync(root);
      return [call('list'), call('list', '--quiet')];
    });
    expect(our).to.deep.equal(their);
  });

  it('events --stats has all that runc tells', () => {
    const [theirs, ours] = ask((id) => ['events', '--stats', id]);
    const present = new Set(sorted(json(ours[0])));
    // What is 0 is left out by both, so a busier container may tell more.
    const missing = sorted(json(theirs[0])).filter(
      (name) => !present.has(name) && !/^\.data\.(blkio|hugetlb|memory\.raw)\b/.test(name),
    );
    expect(missing).to.deep.equal([]);
    const limits = (text = '') => /"limit":(\d+),"(?:usage|max)"/.exec(text)?.[1];
    expect(limits(ours[0])).to.equal(limits(theirs[0]));
  });

  it('features has all that runc tells, but its annotations', () => {
    const [their, our] = programs().map(({ call }) => json(call('features')));
    const present = new Set(sorted(our));
    const missing = sorted(their).filter(
      (name) => !present.has(name) && !name.startsWith('.annotations.'),
    );
    expect(missing).to.deep.equal([]);
  });

  for (const flags of [[], ['--rootless']]) {
    it(`spec ${flags.join(' ')} writes what runc writes, but its name and its newer masks`, () => {
      const [their, our] = programs().map(({ call, id }) => {
        const directory = path.join(fixture().bundle.directory, id);
        fs.mkdirSync(directory);
        call('spec', '--bundle', directory, ...flags);
        return json(fs.readFileSync(path.join(directory, 'config.json'), 'utf8'));
      }) as Record<string, Record<string, unknown>>[];
      const { ociVersion: _v1, hostname: _h1, ...theirRest } = their ?? {};
      const { ociVersion: _v2, hostname: _h2, ...ourRest } = our ?? {};
      for (const { process, linux } of [theirRest, ourRest]) {
        delete (process?.capabilities as Record<string, unknown>).ambient; // runc 1.1 alone
        delete linux?.maskedPaths;
      }
      expect(ourRest).to.deep.equal(theirRest);
    });
  }
});
