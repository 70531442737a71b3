/** `--disable-content-trust`: images are taken without signatures of Notary, which is docker's default too. */
import { StackError } from '#spec/errors';

/** Throws unimplemented for `--disable-content-trust=false` and DOCKER_CONTENT_TRUST=1. */
export function refuseContentTrust(disabled: boolean): void {
  const wanted = /^(1|t|true)$/i.test(process.env['DOCKER_CONTENT_TRUST'] ?? '');
  if (disabled && !wanted) return;
  const asked = disabled ? 'DOCKER_CONTENT_TRUST' : '--disable-content-trust=false';
  throw new StackError('unimplemented', `${asked}: content trust is not implemented`);
}
