/** How much is sent and fetched at the same time, and how often a download is begun again. */
import { Slots } from '#lib/concurrency/slots';
import { StackError } from '#spec/errors';

/** Undefined is what this client does by itself; 0 at the same time is no limit. */
export interface TransferLimits {
  /** Layers, of all pulls together. */
  readonly downloads?: number | undefined;
  /** Layers and configs, of all pushes together. */
  readonly uploads?: number | undefined;
  /** Of one request of a pull. */
  readonly downloadAttempts?: number | undefined;
}

/** Throws invalid_argument in docker's words. */
export function checkedTransferLimits(limits: TransferLimits): TransferLimits {
  const { downloads = 0, uploads = 0, downloadAttempts = 1 } = limits;
  const wrong =
    downloads < 0
      ? `invalid max concurrent downloads: ${downloads}`
      : uploads < 0
        ? `invalid max concurrent uploads: ${uploads}`
        : downloadAttempts <= 0
          ? `invalid max download attempts: ${downloadAttempts}`
          : undefined;
  if (wrong !== undefined) throw new StackError('invalid_argument', wrong);
  return limits;
}

/** Whether two sets of limits mean the same. */
export function areSameLimits(a: TransferLimits, b: TransferLimits): boolean {
  return (
    a.downloads === b.downloads &&
    a.uploads === b.uploads &&
    a.downloadAttempts === b.downloadAttempts
  );
}

/** Slots for as many at the same time as a limit says; undefined where there is none of its own. */
export function slotsOf(limit: number | undefined): Slots | undefined {
  return limit === undefined ? undefined : new Slots(limit === 0 ? Infinity : limit);
}
