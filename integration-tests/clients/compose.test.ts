/** The real compose programs on our socket: an application of three services goes up, is changed, tells and goes down. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { newerPeers } from '../harness/newer-peers.ts';
import { needPeers } from '../harness/peers.ts';
import { describeCompose } from './compose-suite.ts';

describeCompose('docker-compose 1.29', 'trial1', (context) => {
  const { 'docker-compose': file } = needPeers(context, 'docker-compose');
  // From 1.45 on images do not hold the ContainerConfig that it wants for making a container anew: as with dockerd.
  const env = { COMPOSE_API_VERSION: '1.41' };
  return { argv: [file], env, separator: '_' };
});

describe('compose 2.26 as a plugin', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'docker-config-'));

  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** A DOCKER_CONFIG whose plugins are the unpacked ones. */
  const withPlugins = (folders: readonly string[]): NodeJS.ProcessEnv => {
    const plugins = path.join(folder, 'cli-plugins');
    fs.mkdirSync(plugins, { recursive: true });
    const plugin = path.join(plugins, 'docker-compose');
    fs.rmSync(plugin, { force: true });
    fs.symlinkSync(path.join(folders[0] ?? '', 'docker-compose'), plugin);
    return { DOCKER_CONFIG: folder };
  };

  describeCompose('of docker 28', 'trial28', async (context) => {
    const { docker } = needPeers(context, 'docker');
    const env = withPlugins(await newerPeers(context));
    return { argv: [docker, 'compose'], env, separator: '-' };
  });

  describeCompose('of docker 26.1', 'trial26', async (context) => {
    const folders = await newerPeers(context);
    const docker = path.join(folders[0] ?? '', 'docker');
    return { argv: [docker, 'compose'], env: withPlugins(folders), separator: '-' };
  });
});
