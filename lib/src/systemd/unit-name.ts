/** Names of systemd's units, and where their cgroups lie. */
import { StackError } from '#spec/errors';

/** `linux.cgroupsPath` for systemd's driver: `slice:prefix:name`. */
export interface UnitName {
  /** `system.slice`. */
  readonly slice: string;
  /** `docker-4f2a….scope`, or the slice that the name is. */
  readonly unit: string;
  readonly isSlice: boolean;
}

export interface UnitDefaults {
  readonly id: string;
  /** An ordinary user's units are run by a systemd of their own. */
  readonly user: boolean;
}

/** Throws invalid_argument, in runc's words, for what is not of this form. */
export function parseUnitName(
  cgroupsPath: string | undefined,
  { id, user }: UnitDefaults,
): UnitName {
  const parts = cgroupsPath ? cgroupsPath.split(':') : ['', 'runc', id];
  if (parts.length !== 3) {
    throw new StackError(
      'invalid_argument',
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${cgroupsPath ?? ''}" instead`,
    );
  }
  const [slice = '', prefix = '', name = ''] = parts;
  if (name === '' || /[/\0]/.test(prefix + name)) {
    throw new StackError(
      'invalid_argument',
      `linux.cgroupsPath: "${cgroupsPath ?? ''}" names no unit of systemd`,
    );
  }
  const isSlice = name.endsWith('.slice');
  return {
    slice: slice || (user ? 'user.slice' : 'system.slice'),
    unit: isSlice ? name : `${prefix}-${name}.scope`,
    isSlice,
  };
}

/** `/a.slice/a-b.slice` for `a-b.slice`: a dash in the name of a slice is a level (systemd.slice(5)). */
export function slicePath(slice: string): string {
  const name = slice.slice(0, -'.slice'.length);
  if (!slice.endsWith('.slice') || name === '' || slice.includes('/')) throw invalid(slice);
  if (name === '-') return '/';
  let path = '';
  let prefix = '';
  for (const component of name.split('-')) {
    if (component === '') throw invalid(slice);
    path += `/${prefix}${component}.slice`;
    prefix += `${component}-`;
  }
  return path;
}

function invalid(slice: string): StackError {
  return new StackError('invalid_argument', `linux.cgroupsPath: invalid slice name: ${slice}`);
}
