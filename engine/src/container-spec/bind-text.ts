/** An entry of `Binds`, as `-v` writes it. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import {
  checkedDestination,
  checkedVolumeName,
  isPropagation,
  newVolume,
  type ContainerMount,
  type Propagation,
} from './container-mount.ts';

/** Words of a mode by what they are about; of each kind one may stand there. */
const kindsOfWords = new Map<string, string>([
  ...['ro', 'rw'].map((word) => [word, 'access'] as const),
  // For SELinux, which relabels: there is nothing to relabel where it is not.
  ...['z', 'Z'].map((word) => [word, 'label'] as const),
  ['nocopy', 'copy'],
  // About file systems of other systems.
  ...['consistent', 'cached', 'delegated', 'default'].map((word) => [word, 'consistency'] as const),
]);

/**
 * `source:destination[:options]`, `volume:destination[:options]`, or a destination alone for an anonymous volume.
 * @param driver what a volume is created with. Throws invalid_argument.
 */
export function parseBind(text: string, driver = ''): ContainerMount {
  const parts = text.split(':');
  if (parts.length > 3 || parts.includes('')) throw invalid(text);
  const [first = '', second, options = ''] = parts;
  if (second === undefined) return { ...newVolume(checkedDestination(first)), driver };
  if (parts.length === 2 && isMode(second)) throw invalid(text); // an anonymous volume has none
  const destination = checkedDestination(second);
  const { writable, propagation, copy } = parseMode(options, text);
  if (!path.isAbsolute(first)) {
    if (propagation !== undefined) throw invalidMode(options, text);
    const name = checkedVolumeName(first);
    return { ...newVolume(destination), name, writable, copy, driver, mode: options || 'z' };
  }
  if (!copy) throw invalidMode(options, text);
  return {
    type: 'bind',
    source: path.normalize(first),
    destination,
    writable,
    propagation: propagation ?? 'rprivate',
    ...(propagation === undefined && { byDefault: true }),
    recursive: true,
    createSource: true,
    mode: options,
  };
}

interface Mode {
  writable: boolean;
  propagation: Propagation | undefined;
  copy: boolean;
}

function parseMode(options: string, text: string): Mode {
  const words = options === '' ? [] : options.split(',');
  const kinds = words.map(kindOf);
  if (kinds.includes(undefined) || new Set(kinds).size < kinds.length) {
    throw invalidMode(options, text);
  }
  return {
    writable: !words.includes('ro'),
    propagation: words.find(isPropagation),
    copy: !words.includes('nocopy'),
  };
}

function isMode(text: string): boolean {
  return text.split(',').every((word) => kindOf(word) !== undefined);
}

function kindOf(word: string): string | undefined {
  return isPropagation(word) ? 'propagation' : kindsOfWords.get(word);
}

function invalid(text: string): StackError {
  return new StackError('invalid_argument', `invalid volume specification: '${text}'`);
}

function invalidMode(options: string, text: string): StackError {
  return new StackError(
    'invalid_argument',
    `invalid volume specification: '${text}': invalid mode: ${options}`,
  );
}
