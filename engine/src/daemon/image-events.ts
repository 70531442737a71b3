/** Events of images, published by whoever uses the image service through this. */
import type { ImageService } from '../images/image-service.ts';
import type { EventLog } from './event-log.ts';

/** The same service; pulls and removals are told to `events`. */
export function publishImageEvents(images: ImageService, events: EventLog): ImageService {
  return {
    get: (reference) => images.get(reference),
    list: (filters) => images.list(filters),
    inspect: (reference) => images.inspect(reference),
    ensureUnpacked: (image) => images.ensureUnpacked(image),
    import: (name, blobs) => images.import(name, blobs),
    history: (reference) => images.history(reference),
    commit: (baseId, request) => images.commit(baseId, request),
    save: async (references) => {
      const archive = await images.save(references);
      for (const reference of references) {
        events.publish('image', 'save', reference, { name: reference });
      }
      return archive;
    },
    load: async (archive) => {
      const loaded = await images.load(archive);
      for (const { id } of loaded) events.publish('image', 'load', id, { name: id });
      return loaded;
    },
    tag: async (reference, name) => {
      const image = await images.tag(reference, name);
      events.publish('image', 'tag', image.id, { name });
      return image;
    },
    push: async (reference, options, onProgress) => {
      await images.push(reference, options, onProgress);
      events.publish('image', 'push', reference, { name: reference });
    },
    prune: async (filters, all) => {
      const pruned = await images.prune(filters, all);
      events.publish('image', 'prune', '', { reclaimed: String(pruned.bytes) });
      return pruned;
    },
    remove: async (reference, options) => {
      const removed = await images.remove(reference, options);
      for (const item of removed) {
        if ('Untagged' in item)
          events.publish('image', 'untag', item.Untagged, { name: item.Untagged });
        else events.publish('image', 'delete', item.Deleted, { name: item.Deleted });
      }
      return removed;
    },
    pull: async (reference, options, onProgress) => {
      const image = await images.pull(reference, options, onProgress);
      events.publish('image', 'pull', reference, { name: reference });
      return image;
    },
  };
}
