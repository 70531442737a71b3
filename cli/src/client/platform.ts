/** `--platform os[/arch[/variant]]` as the API takes it. */
import { UsageError } from '../command-line/parse.ts';

/** JSON of a platform: what calls take that name one of an image's platforms. Throws {@link UsageError}. */
export function platformQuery(platform: string): string {
  const [os, architecture, variant, ...rest] = platform.toLowerCase().split('/');
  if (os === undefined || os === '' || rest.length > 0 || architecture === '') {
    throw new UsageError(
      `invalid platform: "${platform}": must be formatted as os[/arch[/variant]] (e.g., "linux/amd64")`,
    );
  }
  if (architecture === undefined) return JSON.stringify({ os });
  return JSON.stringify({ os, architecture, ...(variant !== undefined && { variant }) });
}

/** What `--platform` says, and DOCKER_DEFAULT_PLATFORM where it says nothing. */
export function chosenPlatform(flag: string | undefined): string | undefined {
  const usual = process.env['DOCKER_DEFAULT_PLATFORM'];
  return flag ?? (usual === '' ? undefined : usual);
}
