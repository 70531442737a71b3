/** Contexts: both command lines see the same ones, say the same of them, and reach the daemons that they name. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run, type CommandResult } from '../harness/command.ts';
import { skip } from '../harness/peers.ts';

const docker = '/usr/local/bin/docker';
const engine = executablePath('engine');
const host = 'unix:///run/context-test.sock';

/** Done by both, each in a folder of its own; every line is compared, and in the end what lies in the folders. */
const script: readonly (readonly string[])[] = [
  ['context', 'ls'],
  ['context', 'show'],
  ['context', 'inspect'],
  [
    'context',
    'create',
    'far',
    '--docker',
    'host=tcp://192.0.2.1:2375',
    '--description',
    'far <away>',
  ],
  ['context', 'create', 'far', '--docker', 'host=tcp://192.0.2.1:2375'],
  ['context', 'create', 'copy'],
  ['context', 'create', 'copy10', '--from', 'far'],
  ['context', 'create', 'copy9', '--from', 'far', '--description', 'other'],
  ['context', 'create', 'x'],
  ['context', 'create', 'default'],
  ['context', 'create', 'a b', '--docker', 'host=unix:///x'],
  ['context', 'create', 'bad', '--docker', 'host=foo'],
  ['context', 'create', 'bad', '--docker', 'frob=1'],
  ['context', 'create', 'bad', '--docker', 'host'],
  ['context', 'create', 'bad', '--docker', 'host=tcp://a:1,skip-tls-verify=x'],
  ['context', 'create', 'bad', '--docker', 'host=tcp://a:1,ca=/no/file'],
  ['context', 'create', 'bad', '--from', 'nope'],
  ['context', 'create', 'bad', '--from', 'far', '--docker', 'host=tcp://a:1'],
  ['context', 'create', 'safe', '--docker', 'host=tcp://a:1,ca=FOLDER/ca.pem,skip-tls-verify=1'],
  ['context', 'create', 'byssh', '--docker', 'host=ssh://me@far:22/run/x.sock'],
  ['context', 'create', 'ssh2', '--docker', 'host=ssh://me:secret@far'],
  ['context', 'create', 'partof', '--docker', 'from=far'],
  ['context', 'ls'],
  ['context', 'list', '-q'],
  ['context', 'ls', '--format', 'json'],
  ['context', 'ls', '--format', 'table {{.Name}}\\t{{.DockerEndpoint}}'],
  ['context', 'ls', '--format', '{{.Name}} {{.Current}} {{.Description}}'],
  ['context', 'inspect', 'far', 'safe', 'nope'],
  ['context', 'inspect', '-f', '{{.Endpoints.docker.Host}}', 'far', 'byssh'],
  ['context', 'inspect', '--format', '{{json .TLSMaterial}}', 'safe'],
  ['context', 'use', 'far'],
  ['context', 'use', 'nope'],
  ['context', 'use', 'a/b'],
  ['context', 'use'],
  ['context', 'show'],
  ['context', 'ls'],
  ['context', 'inspect', '-f', '{{.Name}}'],
  ['context', 'rm', 'far'],
  ['context', 'update', 'copy', '--description', 'new'],
  ['context', 'update', 'safe', '--docker', 'host=tcp://b:2'],
  ['context', 'update', 'nope', '--description', 'new'],
  ['context', 'export', 'safe', 'FOLDER/safe.tar'],
  ['context', 'export', 'safe', 'FOLDER/safe.tar'],
  ['context', 'export', 'nope', '-'],
  ['context', 'import', 'again', 'FOLDER/safe.tar'],
  ['context', 'import', 'again', 'FOLDER/safe.tar'],
  ['context', 'import', 'other', 'FOLDER/ca.pem'],
  ['context', 'import', 'other', '/no/file'],
  ['context', 'rm', 'nope', 'copy9', 'default'],
  ['context', 'rm', '-f', 'far', 'nope'],
  ['context', 'show'],
  ['context', 'ls', 'x'],
  ['context', 'show', 'x'],
  ['context', 'rm'],
  ['--context', 'nope', 'context', 'ls', '--format', '{{.Name}} {{.Current}} {{.Error}}'],
  ['--context', 'nope', 'ps'],
  ['--context', 'copy', 'context', 'show'],
  ['--context', 'copy', '-H', host, 'ps'],
  ['context', 'use', 'default'],
];

describe('contexts', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'contexts-'));

  before(function () {
    if (!fs.existsSync(docker)) skip(this, `needs ${docker}`, { allowedInCi: true });
  });
  after(() => fs.rmSync(root, { recursive: true }));

  const folderOf = (program: string) => {
    const folder = path.join(root, program);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'ca.pem'), certificate);
    return folder;
  };
  const call = (program: string, folder: string, line: readonly string[], env = {}) =>
    run(
      program,
      line.map((word) => word.replaceAll('FOLDER', folder)),
      {
        env: { DOCKER_CONFIG: path.join(folder, 'config'), ...env },
      },
    );

  it('are made, shown, chosen and removed as by docker', async function () {
    this.timeout(120_000);
    const ours = folderOf('engine');
    const theirs = folderOf('docker');
    const env = { DOCKER_HOST: undefined };
    for (const line of script) {
      // Where nothing is said the two programs mean different sockets.
      const isDefault = { ...env, DOCKER_HOST: host };
      const bare = /^(context (ls|inspect|create copy|rm|use|show))/.test(line.join(' '))
        ? isDefault
        : env;
      const expected = await call(docker, theirs, line, bare);
      const actual = await call(engine, ours, line, bare);
      expect(shown(actual, ours), line.join(' ')).to.deep.equal(shown(expected, theirs));
    }
    expect(filesBelow(path.join(ours, 'config/contexts'))).to.deep.equal(
      filesBelow(path.join(theirs, 'config/contexts')),
    );
  });

  it('count after a host, before what was chosen', async () => {
    const folder = folderOf('order');
    for (const name of ['one', 'two']) {
      await call(engine, folder, [
        'context',
        'create',
        name,
        '--docker',
        `host=unix:///run/${name}.sock`,
      ]);
    }
    await call(engine, folder, ['context', 'use', 'one']);
    for (const [args, env, name] of [
      [[], {}, 'one'],
      [[], { DOCKER_CONTEXT: 'two' }, 'two'],
      [[], { DOCKER_CONTEXT: 'two', DOCKER_HOST: 'unix:///x' }, 'default'],
      [['-H', 'unix:///x'], { DOCKER_CONTEXT: 'two' }, 'default'],
      [['--context', 'one'], { DOCKER_CONTEXT: 'two', DOCKER_HOST: 'unix:///x' }, 'one'],
    ] as const) {
      for (const program of [engine, docker]) {
        const { stdout } = await call(program, folder, [...args, 'context', 'show'], env);
        expect(stdout, `${program} ${args.join(' ')} ${JSON.stringify(env)}`).to.equal(`${name}\n`);
      }
    }
    const { status, stderr } = await call(engine, folder, ['ps']);
    expect({ status, stderr }).to.deep.equal({
      status: 1,
      stderr: 'cannot connect to the engine daemon at unix:///run/one.sock: is engined running?\n',
    });
  });

  it('that docker made are understood, and the other way round', async () => {
    const folder = folderOf('shared');
    await call(docker, folder, [
      'context',
      'create',
      'theirs',
      '--docker',
      'host=unix:///run/t.sock',
    ]);
    await call(engine, folder, [
      'context',
      'create',
      'ours',
      '--docker',
      'host=unix:///run/o.sock',
    ]);
    await call(docker, folder, ['context', 'export', 'theirs', `${folder}/theirs.tar`]);
    await call(engine, folder, ['context', 'export', 'ours', `${folder}/ours.tar`]);
    await call(engine, folder, ['context', 'import', 'theirs2', `${folder}/theirs.tar`]);
    await call(docker, folder, ['context', 'import', 'ours2', `${folder}/ours.tar`]);
    const format = '{{.Name}} {{.DockerEndpoint}}';
    for (const program of [engine, docker]) {
      const env = { DOCKER_HOST: host };
      const { stdout } = await call(program, folder, ['context', 'ls', '--format', format], env);
      expect(stdout.split('\n')).to.deep.equal([
        `default ${host}`,
        'ours unix:///run/o.sock',
        'ours2 unix:///run/o.sock',
        'theirs unix:///run/t.sock',
        'theirs2 unix:///run/t.sock',
        '',
      ]);
    }
  });

  it('are imported from nothing that escapes', async () => {
    const folder = folderOf('hostile');
    for (const [name, words] of [
      ['tls/../../../x', 'unexpected path format'],
      ['/etc/x', 'unexpected context file'],
      ['tls/docker', 'archive format is invalid'],
    ] as const) {
      fs.mkdirSync(`${folder}/in`, { recursive: true });
      fs.writeFileSync(`${folder}/in/meta.json`, '{"Name":"x","Metadata":{},"Endpoints":{}}');
      const rename = `s,ca.pem,${name},`;
      const archive = `${folder}/h.tar`;
      const files = ['-C', `${folder}/in`, 'meta.json', '-C', folder, 'ca.pem'];
      const made = await run('tar', ['-P', '--transform', rename, '-cf', archive, ...files]);
      expect(made.stderr).to.equal('');
      const { status, stderr } = await call(engine, folder, ['context', 'import', 'bad', archive]);
      expect({ status, words: stderr.includes(words) }).to.deep.equal({ status: 1, words: true });
      expect(fs.existsSync(`${folder}/config/contexts`)).to.equal(false);
    }
  });
});

function shown({ status, stdout, stderr }: CommandResult, folder: string): object {
  const plain = (text: string) =>
    text
      .replaceAll(folder, 'FOLDER')
      .replaceAll(/\b(?:docker|engine)\b(?=[: ])/g, 'PROGRAM')
      .replace(/^See /m, 'Run ');
  return { status, stdout: plain(stdout), stderr: plain(stderr) };
}

/** Paths and contents. */
function filesBelow(folder: string): Record<string, string> {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        return [path.relative(folder, file), fs.readFileSync(file, 'utf8')];
      }),
  );
}

/** Nobody looks at what it certifies. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBhjCCASugAwIBAgIUU3fLeo364wiY80gMiHxHP1EY83EwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMY29udGV4dC10ZXN0MCAXDTI2MTEyMTE5MTMzMloYDzIxMjYx
MDI4MTkxMzMyWjAXMRUwEwYDVQQDDAxjb250ZXh0LXRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASt1DQ5PfuBoyNyAwFMdpp/Sqz40TFjs1KDr8/RV0f/Iqmd
ELtHLsrDzpPBkuni0350x9v9Cj67L58f1nDhKoiPo1MwUTAdBgNVHQ4EFgQUV2it
C3AkgzCWsWy6YFLsrm9DsoAwHwYDVR0jBBgwFoAUV2itC3AkgzCWsWy6YFLsrm9D
soAwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAkI6lx6CDRNEC
pyLgsF08/vcGK+1N5jsi4a7eQ1DZSLACIQDcIlcTFGrjMw/tDWno8zHUDahtQCRp
Dun/LB1cOA4vsA==
-----END CERTIFICATE-----
`;
