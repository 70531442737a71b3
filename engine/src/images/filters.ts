/** Filters of `GET /images/json`. */
import { StackError } from '#spec/errors';

/** Values by key, as `filters` in the query says them; several values of `reference` are alternatives. */
export interface ImageFilters {
  reference?: readonly string[];
  label?: readonly string[];
  'label!'?: readonly string[];
  dangling?: readonly string[];
  before?: readonly string[];
  since?: readonly string[];
  until?: readonly string[];
}

const keys = ['reference', 'label', 'label!', 'dangling', 'before', 'since', 'until'] as const;

/** The filters that a decoded `filters` parameter names. Throws invalid_argument for a key that docker does not have. */
export function imageFiltersOf(values: Readonly<Record<string, readonly string[]>>): ImageFilters {
  for (const key of Object.keys(values)) {
    if (!keys.some((known) => known === key)) {
      throw new StackError('invalid_argument', `invalid filter '${key}'`);
    }
  }
  return values;
}

/** The value of a yes-or-no filter; undefined where it is not given. */
export function booleanFilter(name: string, values: readonly string[] = []): boolean | undefined {
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length === 1 && ['1', 'true'].includes(value)) return true;
  if (values.length === 1 && ['0', 'false'].includes(value)) return false;
  throw new StackError('invalid_argument', `invalid filter '${name}=[${values.join(' ')}]'`);
}
