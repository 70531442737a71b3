/**
 * `engine __complete WORD...`: what the last word, which may be empty, can become. A shell's script (scripts.ts) calls it.
 * Candidates come as lines, with a tab before a description; the last line says whether files may follow (`:0`), may
 * not (`:4`), or that nothing could be found out (`:1`). docker's scripts understand the same.
 */
import { catalogue, groupNames } from '../command-line/catalogue.ts';
import type { Command } from '../command-line/command.ts';
import { findCommand } from '../command-line/find-command.ts';
import type { Flag, FlagTable } from '../command-line/flags.ts';
import { parseArguments } from '../command-line/parse.ts';
import { Surroundings, globalFlags, type GlobalValues } from '../global-flags.ts';
import { namesFor, type ContainerState, type NamedThing } from './names.ts';

export type Candidate = readonly [word: string, description?: string];

const directives = { files: 0, failed: 1, noFiles: 4 } as const;

interface Completion {
  candidates: readonly Candidate[];
  directive: keyof typeof directives;
}

/** Prints candidates; never fails, for a shell in the middle of a line is no place for errors. */
export async function printCompletion(words: readonly string[]): Promise<void> {
  const typed = words.at(-1) ?? '';
  let found: Completion;
  try {
    found = await complete(words.slice(0, -1), typed);
  } catch {
    found = { candidates: [], directive: 'failed' };
  }
  const lines = found.candidates
    .filter(([word]) => word.startsWith(typed))
    .map(([word, description]) => (description === undefined ? word : `${word}\t${description}`));
  process.stdout.write([...lines, `:${directives[found.directive]}`, ''].join('\n'));
}

async function complete(before: readonly string[], typed: string): Promise<Completion> {
  const start = commandStart(before);
  const { values } = parseArguments(globalFlags, before.slice(0, start), { interspersed: false });
  const line = before.slice(start);
  if (line.length === 0) {
    const flag = flagWaiting(globalFlags, before);
    if (flag !== undefined) return ofFlag(flag, values);
    return only(typed.startsWith('-') ? flagWords(globalFlags) : commandWords());
  }
  const found = findCommand(line);
  if (found.kind === 'group' && line.length === 1) return only(groupWords(found.group));
  if (found.kind !== 'command') return only([]);
  const command = await found.entry.load();
  const own = line.slice(found.consumed);
  const waiting = flagWaiting(command.flags, own);
  if (waiting !== undefined) return ofFlag(waiting, values);
  const count = positionals(command, own);
  const isOwn = command.interspersed !== false || count === 0;
  if (typed.startsWith('-') && isOwn && !own.includes('--')) return only(flagWords(command.flags));
  const wanted = argumentAt(command.synopsis, count);
  if (wanted === undefined) return only([]);
  return ofThing(wanted, values, stateFor(found.name, own));
}

/** Containers that run, or that do not; `rm` offers those that it can remove as it is called. */
function stateFor(name: string, words: readonly string[]): ContainerState {
  const verb = name.split(' ').at(-1) ?? '';
  if (['attach', 'exec', 'kill', 'pause', 'port', 'stop', 'top'].includes(verb)) return 'running';
  const isForced = words.includes('-f') || words.includes('--force');
  return verb === 'start' || (verb === 'rm' && !isForced) ? 'stopped' : 'any';
}

/** By words of a synopsis. */
const thingByArgument: Readonly<Record<string, NamedThing>> = {
  CONTAINER: 'containers',
  IMAGE: 'images',
  SOURCE_IMAGE: 'images',
  NETWORK: 'networks',
  VOLUME: 'volumes',
  CONTEXT: 'contexts',
};

/** By flags whose values are names. */
const thingByFlag: Readonly<Record<string, NamedThing>> = {
  network: 'networks',
  net: 'networks',
  'volumes-from': 'containers',
  link: 'containers',
  context: 'contexts',
  from: 'contexts',
};

async function ofFlag(name: string, values: GlobalValues): Promise<Completion> {
  const thing = thingByFlag[name];
  return thing === undefined
    ? { candidates: [], directive: 'files' }
    : ofThing(thing, values, 'any');
}

async function ofThing(
  thing: NamedThing | 'files',
  values: GlobalValues,
  state: ContainerState,
): Promise<Completion> {
  if (thing === 'files') return { candidates: [], directive: 'files' };
  const surroundings = new Surroundings(values, process.env);
  try {
    const names = await namesFor(thing, surroundings, { state });
    return only(names.map((name) => [name]));
  } finally {
    surroundings.close();
  }
}

/** What stands at a place of `[OPTIONS] CONTAINER [CONTAINER...]`. */
function argumentAt(synopsis: string, index: number): NamedThing | 'files' | undefined {
  const words = synopsis.replaceAll('[OPTIONS]', '').replaceAll(/[[\]]/g, ' ').split(/\s+/);
  const named = words.filter((word) => word !== '');
  const last = named.at(-1) ?? '';
  const word = named[index] ?? (last.endsWith('...') ? last : undefined);
  if (word === undefined) return undefined;
  return thingByArgument[word.replace(/\.\.\.$/, '').replace(/\[.*/, '')] ?? 'files';
}

/** Index of the first word that is no global flag and no value of one. */
function commandStart(words: readonly string[]): number {
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (!word.startsWith('-')) return index;
    index += takesNext(globalFlags, word) === undefined ? 1 : 2;
  }
  return words.length;
}

function positionals(command: Command, words: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-') || word === '-') {
      count++;
      if (command.interspersed === false) return count;
    } else if (takesNext(command.flags, word) !== undefined) index++;
  }
  return count;
}

/** The flag whose value comes next. */
function flagWaiting(table: FlagTable, words: readonly string[]): string | undefined {
  const last = words.at(-1);
  return last === undefined || !last.startsWith('-') ? undefined : takesNext(table, last);
}

/** The flag's name, if the word after it is its value. */
function takesNext(table: FlagTable, word: string): string | undefined {
  if (word.includes('=')) return undefined;
  const isLong = word.startsWith('--');
  const letter = word.slice(-1); // of `-it` the last
  const found = Object.entries(table).find(([name, { short }]) =>
    isLong ? name === word.slice(2) : short === letter,
  );
  return found && isValued(found[1]) ? found[0] : undefined;
}

function isValued({ kind }: Flag): boolean {
  return kind === 'text' || kind === 'list';
}

function flagWords(table: FlagTable): Candidate[] {
  return Object.entries(table)
    .filter(([, flag]) => flag.kind !== 'missing' && flag.hidden !== true)
    .map(([name, { usage }]): Candidate => [`--${name}`, usage.split('\n')[0] ?? ''])
    .sort(byWord);
}

function commandWords(): Candidate[] {
  const single = catalogue.flatMap(({ names, summary, hidden }) =>
    hidden
      ? []
      : names.filter((name) => !name.includes(' ')).map((name): Candidate => [name, summary]),
  );
  return [...single, ...Object.entries(groupNames)].sort(byWord);
}

function groupWords(group: string): Candidate[] {
  return catalogue
    .flatMap(({ names, summary, hidden }) => {
      const name = hidden ? undefined : names.find((each) => each.startsWith(`${group} `));
      return name === undefined ? [] : [[name.slice(group.length + 1), summary] as const];
    })
    .sort(byWord);
}

function only(candidates: readonly Candidate[]): Completion {
  return { candidates, directive: 'noFiles' };
}

function byWord([a]: Candidate, [b]: Candidate): number {
  return a < b ? -1 : 1;
}
