/** containerd.services.transfer.v1.Transfer */
import type { TransferService } from '#proto/generated/containerd.services.transfer.v1';
import type { Handlers } from '#proto/service';
import type { Transfers } from '../transfer/transfers.ts';

export function transferService(transfers: Transfers): Handlers<typeof TransferService> {
  return {
    async transfer(request, context) {
      await transfers.transfer(request, context);
      return {};
    },
  };
}
