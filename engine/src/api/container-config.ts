/** What a container is, apart from the host it runs on: `Config` of the API. */
import {
  array,
  boolean,
  cString,
  integer,
  optional,
  record,
  string,
  type Decoder,
} from '#spec/json-decoder';
import type { Healthcheck } from '#spec/oci/image';
import { goObject, stringSet, stringSlice } from './go-json.ts';

/** Field for field docker's container.Config; lists that were never given are null, as in Go. */
export interface ContainerConfig {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  ExposedPorts?: Record<string, object>;
  Tty: boolean;
  OpenStdin: boolean;
  /** stdin ends for good when the first client that was attached to it leaves. */
  StdinOnce: boolean;
  Env: string[] | null;
  Cmd: string[] | null;
  Healthcheck?: Healthcheck;
  Image: string;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  NetworkDisabled?: boolean;
  MacAddress?: string;
  OnBuild: string[] | null;
  Labels: Record<string, string>;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  Shell?: string[];
}

const nanoseconds = integer(0, Number.MAX_SAFE_INTEGER);

const decodePresent = goObject<Partial<ContainerConfig>>({
  Hostname: optional(cString),
  Domainname: optional(cString),
  User: optional(cString),
  AttachStdin: optional(boolean),
  AttachStdout: optional(boolean),
  AttachStderr: optional(boolean),
  ExposedPorts: optional(stringSet),
  Tty: optional(boolean),
  OpenStdin: optional(boolean),
  StdinOnce: optional(boolean),
  Env: optional(array(cString)),
  Cmd: optional(stringSlice),
  Healthcheck: optional(
    goObject<Healthcheck>({
      Test: optional(array(string)),
      Interval: optional(nanoseconds),
      Timeout: optional(nanoseconds),
      StartPeriod: optional(nanoseconds),
      StartInterval: optional(nanoseconds),
      Retries: optional(integer(0, 0x7fff_ffff)),
    }),
  ),
  Image: optional(string),
  Volumes: optional(stringSet),
  WorkingDir: optional(cString),
  Entrypoint: optional(stringSlice),
  NetworkDisabled: optional(boolean),
  MacAddress: optional(string),
  OnBuild: optional(array(string)),
  Labels: optional(record(string)),
  StopSignal: optional(string),
  StopTimeout: optional(integer(-1, 0x7fff_ffff)),
  Shell: optional(array(string)),
});

/** Reads a Config, every absent field at its zero value. Throws invalid_argument naming the field. */
export const decodeContainerConfig: Decoder<ContainerConfig> = (value, path) => ({
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
  ...decodePresent(value, path),
});
