/** `engine version` and `engine info` */
import { version as clientVersion } from '#lib/installation/installation';
import { newestApiVersion } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { format } from '../command-line/flags.ts';
import { compileTemplate } from '../format/go-template.ts';
import { humanSize } from '../format/units.ts';

interface ServerVersion {
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  Components?: { Name: string; Version: string; Details?: Record<string, string> }[];
}

export const version = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: { format: format('f', false) },
  async run({ client }, { format }) {
    const clientPart = {
      Version: clientVersion,
      ApiVersion: newestApiVersion,
      Os: 'linux',
      Arch: process.arch === 'x64' ? 'amd64' : process.arch,
      NodeVersion: process.version,
    };
    if (format === undefined) {
      process.stdout.write(
        section('Client: engine', {
          Version: clientPart.Version,
          'API version': clientPart.ApiVersion,
          'Node version': clientPart.NodeVersion,
          'OS/Arch': `${clientPart.Os}/${clientPart.Arch}`,
        }),
      );
    }
    const server = await client.json<ServerVersion>('GET', '/version');
    if (format === undefined) process.stdout.write(`\n${showServer(server)}`);
    else if (format === 'json')
      process.stdout.write(`${JSON.stringify({ Client: clientPart, Server: server })}\n`);
    else
      process.stdout.write(`${compileTemplate(format)({ Client: clientPart, Server: server })}\n`);
    return 0;
  },
});

function showServer(server: ServerVersion): string {
  const components = (server.Components ?? []).filter(({ Name }) => Name !== 'Engine');
  return [
    section('Server:', {
      Version: server.Version,
      'API version': `${server.ApiVersion} (minimum version ${server.MinAPIVersion})`,
      'OS/Arch': `${server.Os}/${server.Arch}`,
      Kernel: server.KernelVersion,
    }),
    ...components.map(({ Name, Version }) => section(` ${Name}:`, { Version }, '  ')),
  ].join('');
}

function section(title: string, fields: Readonly<Record<string, string>>, indent = ' '): string {
  const rows = Object.entries(fields).map(
    ([name, value]) => `${indent}${`${name}:`.padEnd(18)}${value}`,
  );
  return `${[title, ...rows].join('\n')}\n`;
}

export const info = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: { format: format('f', false) },
  async run({ client }, { format }) {
    const answer = await client.json<Record<string, unknown>>('GET', '/info');
    if (format === 'json') process.stdout.write(`${JSON.stringify(answer)}\n`);
    else if (format !== undefined) process.stdout.write(`${compileTemplate(format)(answer)}\n`);
    else process.stdout.write(showInfo(answer));
    return 0;
  },
});

/** Headings of docker's and the fields they come from, in docker's order. */
const infoFields: readonly (readonly [string, string])[] = [
  ['Containers', 'Containers'],
  [' Running', 'ContainersRunning'],
  [' Paused', 'ContainersPaused'],
  [' Stopped', 'ContainersStopped'],
  ['Images', 'Images'],
  ['Server Version', 'ServerVersion'],
  ['Storage Driver', 'Driver'],
  ['Logging Driver', 'LoggingDriver'],
  ['Cgroup Driver', 'CgroupDriver'],
  ['Cgroup Version', 'CgroupVersion'],
  ['Default Runtime', 'DefaultRuntime'],
  ['Init Binary', 'InitBinary'],
  ['Security Options', 'SecurityOptions'],
  ['Kernel Version', 'KernelVersion'],
  ['Operating System', 'OperatingSystem'],
  ['OSType', 'OSType'],
  ['Architecture', 'Architecture'],
  ['CPUs', 'NCPU'],
  ['Total Memory', 'MemTotal'],
  ['Name', 'Name'],
  ['ID', 'ID'],
  ['Docker Root Dir', 'DockerRootDir'],
  ['Debug Mode', 'Debug'],
  ['Live Restore Enabled', 'LiveRestoreEnabled'],
];

function showInfo(answer: Readonly<Record<string, unknown>>): string {
  const lines = infoFields.flatMap(([heading, field]) => {
    const value = answer[field];
    if (value === undefined || value === null || value === '') return [];
    if (field === 'MemTotal') return [` ${heading}: ${humanSize(Number(value))}`];
    if (Array.isArray(value)) return [` ${heading}:`, ...value.map((item) => `  ${String(item)}`)];
    return [` ${heading}: ${typeof value === 'string' ? value : JSON.stringify(value)}`];
  });
  const warnings = Array.isArray(answer['Warnings']) ? answer['Warnings'].map(String) : [];
  return `Server:\n${lines.join('\n')}\n${warnings.map((warning) => `${warning}\n`).join('')}`;
}
