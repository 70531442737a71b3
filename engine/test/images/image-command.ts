/**
 * engined's images as a command of their own, for tests against any containerd:
 *
 *     image-command.ts ADDRESS NAMESPACE pull REFERENCE… | import | list | inspect REFERENCE | remove REFERENCE
 *
 * Prints `{ "result": … , "progress": [statuses] }` or `{ "error": { "kind", "message" } }`. Several references are pulled at
 * once. $IMAGE_USER is the id of a stopped container that uses every image; $PLATFORM is what is pulled; $FORCE removes by force.
 */
import { helloImage, helloReference } from '#lib/hello-image/hello-image';
import { RegistryClient } from '#lib/registry/registry-client';
import { ContainerdClient } from '#proto/containerd-client';
import { isStackError } from '#spec/errors';
import { ContainerdImageService } from '../../src/images/containerd-image-service.ts';

const [address = '', namespace = '', command = '', ...references] = process.argv.slice(2);
const { IMAGE_USER: user, PLATFORM: platform, FORCE: force } = process.env;

const client = new ContainerdClient(address, { namespace });
const registry = new RegistryClient({ retries: { attempts: 2, firstDelayMs: 10 } });
const images = new ContainerdImageService({
  client,
  snapshotter: 'overlayfs',
  registry,
  usersOf: () => (user === undefined ? [] : [{ containerId: user, running: false }]),
});
const progress: string[] = [];

async function perform(): Promise<unknown> {
  const [reference = ''] = references;
  switch (command) {
    case 'pull': {
      const options = platform === undefined ? {} : { platform };
      return Promise.all(
        references.map((name) => images.pull(name, options, ({ status }) => progress.push(status))),
      );
    }
    case 'import': {
      const { layer, config, manifest } = helloImage(process.arch === 'arm64' ? 'arm64' : 'x64');
      return images.import(helloReference, [layer, config, manifest]);
    }
    case 'list':
      return images.list({});
    case 'inspect':
      return images.inspect(reference);
    case 'remove':
      return images.remove(reference, { force: force !== undefined });
    default:
      throw new Error(`unknown command "${command}"`);
  }
}

try {
  const result = await perform();
  process.stdout.write(JSON.stringify({ result, progress }));
} catch (error) {
  if (!isStackError(error)) throw error;
  process.stdout.write(JSON.stringify({ error: { kind: error.kind, message: error.message } }));
} finally {
  client.close();
  registry.close();
}
