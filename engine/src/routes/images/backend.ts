/** What the routes of images need. */
import type { ImageService } from '../../images/image-service.ts';

export type ImagesBackend = Pick<
  ImageService,
  | 'list'
  | 'inspect'
  | 'remove'
  | 'pull'
  | 'pullAll'
  | 'push'
  | 'pushAll'
  | 'tag'
  | 'history'
  | 'prune'
  | 'save'
  | 'load'
  | 'importRoot'
>;
