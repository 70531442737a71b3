/** The content of a `hosts.toml`. Keys that we do not have are errors, not ignored. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import type { TomlTable, TomlValue } from '#lib/toml/toml';
import type { ConnectionSettings } from './connection.ts';
import { allCapabilities, type Capability } from './endpoint.ts';

export interface HostSettings {
  /** Where the API begins: `https://mirror.example/v2`. */
  url: string;
  settings: EndpointSettings;
}

export interface EndpointSettings {
  /** Only what the file says. */
  connection: Partial<ConnectionSettings>;
  capabilities: readonly Capability[];
  headers: Readonly<Record<string, string>>;
}

export interface HostsFile {
  /** In the order of the file. */
  hosts: HostSettings[];
  /** What is asked after the hosts; undefined for the registry itself, to which `rest` applies. */
  server: HostSettings | undefined;
  rest: EndpointSettings;
}

/** Paths in the file are relative to `folder`. Throws invalid_argument that names the key. */
export function parseHosts(file: TomlTable, folder: string): HostsFile {
  const { server, host = {}, ...rest } = file;
  const settings = settingsOf(rest, folder, '');
  const hosts = Object.entries(tableOf(host, 'host')).map(([name, value]) => {
    const key = `host."${name}".`;
    const table = tableOf(value, `host."${name}"`);
    return {
      url: apiUrl(name, table['override_path'] === true),
      settings: settingsOf(table, folder, key),
    };
  });
  if (server === undefined) return { hosts, server: undefined, rest: settings };
  const url = apiUrl(stringOf(server, 'server'), rest['override_path'] === true);
  return { hosts, server: { url, settings }, rest: settings };
}

function settingsOf(table: TomlTable, folder: string, prefix: string): EndpointSettings {
  const connection: Partial<ConnectionSettings> = {};
  let capabilities: readonly Capability[] = allCapabilities;
  let headers: Record<string, string> = {};
  const read = (file: string) => fs.readFileSync(path.resolve(folder, file), 'utf8');
  for (const [name, value] of Object.entries(table)) {
    const key = `${prefix}${name}`;
    switch (name) {
      case 'capabilities':
        capabilities = stringsOf(value, key).map((word) => capabilityOf(word, key));
        if (capabilities.length === 0) capabilities = allCapabilities; // as containerd takes it
        break;
      case 'ca':
        connection.authorities = stringsOf(value, key).map(read);
        break;
      case 'client':
        connection.clientCertificates = pairsOf(value, key).map(([certificate, keyFile]) => ({
          certificate: read(certificate),
          key: read(keyFile === '' ? certificate : keyFile),
        }));
        break;
      case 'skip_verify':
        connection.verifyTls = !booleanOf(value, key);
        break;
      case 'dial_timeout':
        connection.dialTimeoutMs = millisecondsOf(stringOf(value, key), key);
        break;
      case 'proxy':
        connection.proxy = proxyOf(stringOf(value, key), key);
        break;
      case 'header':
        headers = headersOf(tableOf(value, key), key);
        break;
      case 'override_path':
        booleanOf(value, key); // used with the URL
        break;
      default:
        refuse(key, 'is not supported');
    }
  }
  return { connection, capabilities, headers };
}

/** The URL at which the API begins: with `/v2`, unless the path of the URL is all of it. */
function apiUrl(text: string, isWhole: boolean): string {
  const full = text.includes('://') ? text : `https://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new StackError('invalid_argument', `"${text}" is not the URL of a host`);
  }
  const base = `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  return isWhole || base.endsWith('/v2') ? base : `${base}/v2`;
}

function capabilityOf(word: string, key: string): Capability {
  const found = allCapabilities.find((capability) => capability === word.toLowerCase());
  return found ?? refuse(key, `holds "${word}", which is none of ${allCapabilities.join(', ')}`);
}

/** Go's form of a duration, of the units that a connection may take: `1m30s`, `500ms`. */
function millisecondsOf(text: string, key: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    return refuse(key, `"${text}" is not a duration`);
  }
  return parts.reduce(
    (total, [, count, unit]) => total + Number(count) * (units[unit ?? ''] ?? 0),
    0,
  );
}

function proxyOf(text: string, key: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    return refuse(key, `"${text}" is not the URL of an http or https proxy`);
  }
  return text;
}

/** Several values of a header are sent as a list. */
function headersOf(table: TomlTable, key: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [
      name,
      stringsOf(value, `${key}.${name}`).join(', '),
    ]),
  );
}

function pairsOf(value: TomlValue, key: string): [certificate: string, key: string][] {
  if (typeof value === 'string') return [[value, '']];
  if (!Array.isArray(value)) return refuse(key, 'must be a path or an array');
  return value.map((entry) => {
    if (typeof entry === 'string') return [entry, ''];
    const [certificate, keyFile, ...others] = stringsOf(entry, key);
    if (certificate === undefined || keyFile === undefined || others.length > 0) {
      return refuse(key, 'must hold paths, or pairs of a certificate and its key');
    }
    return [certificate, keyFile];
  });
}

function stringsOf(value: TomlValue, key: string): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map((entry) => stringOf(entry, key));
}

function stringOf(value: TomlValue, key: string): string {
  return typeof value === 'string' ? value : refuse(key, 'must be a string');
}

function booleanOf(value: TomlValue, key: string): boolean {
  return typeof value === 'boolean' ? value : refuse(key, 'must be true or false');
}

function tableOf(value: TomlValue, key: string): TomlTable {
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  return refuse(key, 'must be a table');
}

function refuse(key: string, reason: string): never {
  throw new StackError('invalid_argument', `key ${key} ${reason}`);
}
