/**
 * Go's text/template as people use it with `--format`: fields, variables, pipelines, `if`, `with`, `range`, and the
 * functions of template-functions.ts. Anything else is an error that names it.
 */
import { StackError } from '#spec/errors';
import { asRecord, isTrue, show, templateFunctions } from './template-functions.ts';
import {
  parseTemplate,
  parsingError,
  type Block,
  type Node,
  type Operand,
  type Pipeline,
  type Term,
} from './template-parser.ts';

/** A template ready to be used on many values. Throws invalid_argument for a field that a value does not have. */
export type Template = (value: unknown) => string;

/** Throws invalid_argument for a template that cannot be parsed. */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source);
  checkFunctions(nodes);
  return (value) => render(nodes, { dot: value, variables: new Map([['$', value]]) });
}

/** docker turns `\t` and `\n` of a template for a list into the characters. */
export function unescapeFormat(format: string): string {
  return format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

interface Scope {
  dot: unknown;
  variables: Map<string, unknown>;
}

/** Thrown by `break` and `continue`, caught by the `range` around them, with what was printed so far. */
class LoopExit extends Error {
  readonly kind: 'break' | 'continue';
  printed = '';

  constructor(kind: 'break' | 'continue') {
    super(kind);
    this.kind = kind;
  }
}

function render(nodes: readonly Node[], scope: Scope): string {
  let printed = '';
  for (const node of nodes) {
    try {
      printed += renderNode(node, scope);
    } catch (error) {
      if (error instanceof LoopExit) error.printed = printed + error.printed;
      throw error;
    }
  }
  return printed;
}

function renderNode(node: Node, scope: Scope): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'break':
    case 'continue':
      throw new LoopExit(node.kind);
    case 'print': {
      const value = evaluate(node.pipeline, scope);
      for (const name of node.pipeline.variables) scope.variables.set(name, value);
      return node.pipeline.variables.length > 0 ? '' : show(value);
    }
    case 'if':
    case 'with': {
      const value = evaluate(node.pipeline, scope);
      for (const name of node.pipeline.variables) scope.variables.set(name, value);
      if (!isTrue(value)) return render(node.otherwise, scope);
      return render(node.body, node.kind === 'with' ? { ...scope, dot: value } : scope);
    }
    case 'range':
      return renderRange(node, scope);
  }
}

function renderRange(node: Block, scope: Scope): string {
  const entries = entriesOf(evaluate(node.pipeline, scope));
  if (entries.length === 0) return render(node.otherwise, scope);
  const names = node.pipeline.variables;
  let printed = '';
  for (const [key, value] of entries) {
    const [first, second] = names;
    if (second !== undefined && first !== undefined) scope.variables.set(first, key);
    const valueName = second ?? first;
    if (valueName !== undefined) scope.variables.set(valueName, value);
    try {
      printed += render(node.body, { ...scope, dot: value });
    } catch (error) {
      if (!(error instanceof LoopExit)) throw error;
      printed += error.printed;
      if (error.kind === 'break') break;
    }
  }
  return printed;
}

/** Lists by position, maps by sorted key, a number as so many turns. */
function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const);
  if (typeof value === 'number') return Array.from({ length: value }, (_, index) => [index, index]);
  return Object.entries(asRecord(value)).sort(([a], [b]) => (a < b ? -1 : 1));
}

function evaluate({ commands }: Pipeline, scope: Scope): unknown {
  let piped: unknown[] = [];
  for (const [first, ...rest] of commands) {
    if (!first) throw parsingError('missing value for command');
    piped = [call(first, [...rest.map((term) => resolve(term, scope)), ...piped], scope)];
  }
  return piped[0];
}

function call(term: Term, args: readonly unknown[], scope: Scope): unknown {
  if (term.operand.kind === 'function') return functionOf(term.operand)(...args);
  const value = resolve(term, scope);
  // A method of a row: `.Label "key"`.
  if (typeof value === 'function') return (value as (...given: unknown[]) => unknown)(...args);
  if (args.length > 0) {
    throw new StackError('invalid_argument', `template: can't give argument to non-function`);
  }
  return value;
}

function functionOf({ name }: Extract<Operand, { kind: 'function' }>) {
  const found = Object.hasOwn(templateFunctions, name) ? templateFunctions[name] : undefined;
  if (!found) throw parsingError(`template: :1: function "${name}" not defined`);
  return found;
}

function resolve({ operand, fields }: Term, scope: Scope): unknown {
  return fields.reduce<unknown>((value, name) => fieldOf(value, name), base(operand, scope));
}

function base(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'dot':
      return scope.dot;
    case 'variable':
      if (!scope.variables.has(operand.name)) {
        throw parsingError(`undefined variable "${operand.name}"`);
      }
      return scope.variables.get(operand.name);
    case 'function':
      return functionOf(operand)();
    case 'pipeline':
      return evaluate(operand.pipeline, scope);
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (value === undefined || value === null) {
    throw new StackError('invalid_argument', `template: nil data; no entry for key "${name}"`);
  }
  if (typeof value === 'object' && Object.hasOwn(value, name)) return asRecord(value)[name];
  throw new StackError('invalid_argument', `template: can't evaluate field ${name}`);
}

/** Go refuses unknown functions before anything is printed. */
function checkFunctions(nodes: readonly Node[]): void {
  const checkPipeline = ({ commands }: Pipeline): void => {
    for (const { operand } of commands.flat()) {
      if (operand.kind === 'function') functionOf(operand);
      if (operand.kind === 'pipeline') checkPipeline(operand.pipeline);
    }
  };
  for (const node of nodes) {
    if ('pipeline' in node) checkPipeline(node.pipeline);
    if ('body' in node) checkFunctions([...node.body, ...node.otherwise]);
  }
}
