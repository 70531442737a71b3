import { expect } from 'chai';
import { pushImage } from '#lib/registry/push-image';
import { RegistryClient } from '#lib/registry/registry-client';
import { digestOf } from '#spec/digest';
import { mediaTypes, type Descriptor, type Index } from '#spec/oci/image';
import { parseReference } from '#spec/reference';
import { FakeRegistry } from './fake-registry.ts';

const config = Buffer.from('{}');
const image = { mediaType: mediaTypes.ociManifest, digest: digestOf('image'), size: 5 };
const tag = image.digest.replace(':', '-');

/** A signature of `image`: a manifest that refers to it. */
function signature(text: string, artifactType?: string) {
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      ...(artifactType !== undefined && { artifactType }),
      config: { mediaType: 'application/x-config', digest: digestOf(config), size: config.length },
      layers: [],
      subject: image,
      annotations: { text },
    }),
  );
  const { mediaType } = image;
  return { content, root: { mediaType, digest: digestOf(content), size: content.length } };
}

describe('pushing what refers to an image', () => {
  let server: FakeRegistry;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FakeRegistry.start();
    client = new RegistryClient({ retries: { attempts: 2, firstDelayMs: 1 } });
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  const push = ({ content, root }: ReturnType<typeof signature>) =>
    pushImage(client.repository(parseReference(`${server.address}/app@${root.digest}`)), root, {
      document: () => Promise.resolve(content),
      async *blob() {
        yield await Promise.resolve(config);
      },
    });
  const list = (): Descriptor[] => {
    const content = server.manifests.get(tag);
    return content ? (JSON.parse(content.toString()) as Index).manifests : [];
  };

  it('is listed under the tag where the registry has no referrers API', async () => {
    server.hasReferrersApi = false;
    const first = signature('first', 'application/x-signature');
    const second = signature('second');
    for (const each of [first, second, second]) await push(each);
    expect(list()).to.deep.equal([
      { ...first.root, artifactType: 'application/x-signature', annotations: { text: 'first' } },
      { ...second.root, artifactType: 'application/x-config', annotations: { text: 'second' } },
    ]);
    server.manifests.delete(tag); // whoever pushed died in between
    await push(first);
    expect(list().map(({ digest }) => digest)).to.deep.equal([first.root.digest]);
  });

  it('is left to the registry that says it knows', async () => {
    await push(signature('one'));
    await push(signature('one')); // is there already
    expect(server.manifests.has(tag)).to.equal(false);
    expect(server.requests.filter(({ url }) => url.includes('/referrers/'))).to.have.length(1);
  });

  it('fails where something else has the tag', async () => {
    server.hasReferrersApi = false;
    server.addManifest(tag, {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: image,
      layers: [],
    });
    const error: unknown = await push(signature('one')).catch((thrown: unknown) => thrown);
    expect(error).to.include({ kind: 'conflict' });
  });
});
