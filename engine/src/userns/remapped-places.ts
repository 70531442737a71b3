/** Where an engine keeps what it owns: apart for each choice of ids, for what one made is of no use to another. */
import fs from 'node:fs';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import { StackError } from '#spec/errors';
import type { EngineOptions } from '../config/engine-options.ts';
import { rootOnHost, type IdMaps } from './id-map.ts';
import { remappedUser } from './remapped-user.ts';

export interface RemappedPlaces {
  /** Undefined: containers have the host's ids. */
  maps: IdMaps | undefined;
  /** Exists, and may be passed by the containers' root. */
  dataRoot: string;
  containerdNamespace: string;
}

/** Finds the ids and makes the folder. Throws invalid_argument for a user without ids, or a snapshotter without owners. */
export async function remappedPlaces(
  {
    usernsRemap,
    storageDriver,
    dataRoot: given,
    containerdNamespace,
  }: Pick<EngineOptions, 'usernsRemap' | 'storageDriver' | 'dataRoot' | 'containerdNamespace'>,
  logger: Logger,
): Promise<RemappedPlaces> {
  const root = path.resolve(given);
  await fs.promises.mkdir(root, { recursive: true, mode: 0o711 });
  const maps = usernsRemap === undefined ? undefined : remappedUser(usernsRemap);
  if (!maps) {
    if (usernsRemap !== undefined) {
      logger.warn('User namespaces: root cannot be remapped with itself; user namespaces are OFF');
    }
    return { maps, dataRoot: root, containerdNamespace };
  }
  if (storageDriver !== 'overlayfs') {
    throw new StackError(
      'unimplemented',
      `userns-remap with the storage driver "${storageDriver}" is not implemented by this engine: it needs "overlayfs"`,
    );
  }
  const { uid, gid } = rootOnHost(maps);
  const pair = `${uid}.${gid}`;
  const dataRoot = path.join(root, pair);
  await fs.promises.mkdir(dataRoot, { recursive: true, mode: 0o710 });
  await fs.promises.chown(dataRoot, process.geteuid?.() ?? 0, gid);
  logger.info('user namespaces: containers have subordinate ids', { user: usernsRemap, ...maps });
  return { maps, dataRoot, containerdNamespace: `${containerdNamespace}-${pair}` };
}
