/** `mounts` of config.json, and the id mappings that mounts share with user namespaces. */
import {
  array,
  cString,
  nonEmptyString,
  object,
  optional,
  refine,
  reject,
  uint32,
  type Decoder,
} from '../json-decoder.ts';

export interface IdMapping {
  containerID: number;
  hostID: number;
  /** Above 0. */
  size: number;
}

export interface Mount {
  /** Relative destinations (allowed since 1.2) start at the container's root. */
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
}

export const decodeIdMapping: Decoder<IdMapping> = refine(
  object<IdMapping>({ containerID: uint32, hostID: uint32, size: uint32 }),
  ({ size }, path) => {
    if (size === 0) reject(`${path}.size`, 'must be above 0');
  },
);

export const decodeMount: Decoder<Mount> = refine(
  object<Mount>({
    destination: nonEmptyString,
    type: optional(cString),
    source: optional(cString),
    options: optional(array(cString)),
    uidMappings: optional(array(decodeIdMapping)),
    gidMappings: optional(array(decodeIdMapping)),
  }),
  ({ uidMappings = [], gidMappings = [] }, path) => {
    if ((uidMappings.length === 0) !== (gidMappings.length === 0)) {
      reject(path, 'uidMappings and gidMappings must be given together');
    }
  },
);
