/** containerd.services.images.v1.Images */
import { StackError } from '#spec/errors';
import {
  ImageCreate,
  ImageDelete,
  ImageUpdate,
  type Image,
  type ImagesService,
} from '#proto/generated/containerd.services.images.v1';
import { requireNamespace } from '#proto/server';
import type { Handlers } from '#proto/service';
import type { Exchange } from '../events/exchange.ts';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import type { GarbageCollector } from '../gc/garbage-collector.ts';
import type { Images } from '../images/images.ts';

export function imagesService(
  images: Images,
  exchange: Exchange,
  gc: GarbageCollector,
): Handlers<typeof ImagesService> {
  return {
    async get({ name }, context) {
      return { image: images.get(requireNamespace(context), name) };
    },

    async list({ filters }, context) {
      const matches = parseFilters(filters);
      const all = images.list(requireNamespace(context));
      return { images: all.filter((image) => matches(imageFields(image))) };
    },

    async create({ image, sourceDateEpoch }, context) {
      const namespace = requireNamespace(context);
      const created = images.create(namespace, required(image), sourceDateEpoch);
      const { name, labels } = created;
      exchange.publish(namespace, '/images/create', ImageCreate, { name, labels });
      return { image: created };
    },

    async update({ image, updateMask, sourceDateEpoch }, context) {
      const namespace = requireNamespace(context);
      const paths = updateMask?.paths ?? [];
      const updated = images.update(namespace, required(image), paths, sourceDateEpoch);
      const { name, labels } = updated;
      exchange.publish(namespace, '/images/update', ImageUpdate, { name, labels });
      gc.schedule();
      return { image: updated };
    },

    async delete({ name, sync, target }, context) {
      const namespace = requireNamespace(context);
      images.delete(namespace, name, target?.digest);
      exchange.publish(namespace, '/images/delete', ImageDelete, { name });
      if (sync) await gc.collect();
      else gc.schedule();
      return {};
    },
  };
}

function required(image: Image | undefined): Image {
  if (!image) throw new StackError('invalid_argument', 'the request has no image');
  return image;
}

function imageFields({ name, labels, target }: Image) {
  const { digest = '', mediaType = '' } = target ?? {};
  return fieldsOf({ name, 'target.digest': digest, 'target.mediatype': mediaType }, labels);
}
