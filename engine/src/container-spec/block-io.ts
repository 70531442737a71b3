/** Weights and limits of block devices: `--blkio-weight`, `--device-read-bps` and their kin. */
import fs from 'node:fs';
import type { ResourceConfig, ThrottleDevice } from '../api/resource-config.ts';
import { StackError } from '#spec/errors';
import type { BlockIoResources } from '#spec/oci/resources';

/** Undefined without any. Throws invalid_argument for a weight out of range, not_found for a device. */
export function blockIoResources(hostConfig: ResourceConfig): BlockIoResources | undefined {
  const { BlkioWeight: weight, BlkioWeightDevice: weights } = hostConfig;
  if (weight !== 0) checkWeight(weight);
  const throttle = (devices: readonly ThrottleDevice[]) =>
    devices.map(({ Path: path, Rate: rate }) => ({ ...deviceNumbers(path), rate }));
  const blockIo: BlockIoResources = {
    ...(weight > 0 && { weight }),
    ...(weights.length > 0 && {
      weightDevice: weights.map(({ Path, Weight }) => {
        checkWeight(Weight);
        return { ...deviceNumbers(Path), weight: Weight };
      }),
    }),
    ...nonEmpty('throttleReadBpsDevice', throttle(hostConfig.BlkioDeviceReadBps)),
    ...nonEmpty('throttleWriteBpsDevice', throttle(hostConfig.BlkioDeviceWriteBps)),
    ...nonEmpty('throttleReadIOPSDevice', throttle(hostConfig.BlkioDeviceReadIOps)),
    ...nonEmpty('throttleWriteIOPSDevice', throttle(hostConfig.BlkioDeviceWriteIOps)),
  };
  return Object.keys(blockIo).length > 0 ? blockIo : undefined;
}

function nonEmpty<Name extends string, Item>(
  name: Name,
  list: Item[],
): Partial<Record<Name, Item[]>> {
  return (list.length > 0 ? { [name]: list } : {}) as Partial<Record<Name, Item[]>>; // the computed name is Name
}

function checkWeight(weight: number): void {
  if (weight < 10 || weight > 1000) {
    throw new StackError('invalid_argument', 'Range of blkio weight is from 10 to 1000');
  }
}

function deviceNumbers(path: string): { major: number; minor: number } {
  let status: fs.Stats;
  try {
    status = fs.statSync(path);
  } catch (error) {
    throw new StackError(
      'not_found',
      `error gathering device information: no such device ${path}`,
      {
        cause: error,
      },
    );
  }
  if (!status.isBlockDevice()) {
    throw new StackError('invalid_argument', `${path} is not a block device`);
  }
  // As the kernel packs them into dev_t (makedev(3)).
  const { rdev } = status;
  return { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
}
