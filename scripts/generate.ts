// Writes proto/src/generated/: one module per protobuf package, from proto/idl/**/*.proto. Deterministic.
// Not proto-loader-gen-types: its types for google.protobuf.Any ignore camelCase and drag gRPC's client classes into
// every package that only wants a message; and proto-loader builds its codecs by reflection at each start, which the
// shim would pay for with every container. Here a message becomes an interface and a table (proto/src/message.ts).
import fs from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';

const root = path.resolve(import.meta.dirname, '..');
const idlFolder = path.join(root, 'proto/idl');
const outputFolder = path.join(root, 'proto/src/generated');

interface Package {
  name: string;
  messages: protobuf.Type[];
  enums: protobuf.Enum[];
  services: protobuf.Service[];
}

const scalars = new Map([
  ['bool', 'boolean'],
  ['bytes', 'Buffer'],
  ['double', 'number'],
  ['int32', 'number'],
  ['int64', 'number'],
  ['string', 'string'],
  ['uint32', 'number'],
  ['uint64', 'number'],
]);

const schema = new protobuf.Root();
for (const file of fs.globSync('**/*.proto', { cwd: idlFolder }).sort()) {
  protobuf.parse(fs.readFileSync(path.join(idlFolder, file), 'utf8'), schema, {
    alternateCommentMode: true,
  });
}
schema.resolveAll();

const packages = new Map<string, Package>();
collect(schema);
fs.rmSync(outputFolder, { recursive: true, force: true });
fs.mkdirSync(outputFolder, { recursive: true });
for (const contents of packages.values()) {
  fs.writeFileSync(path.join(outputFolder, `${contents.name}.ts`), moduleText(contents));
}

/** Sorts everything below `namespace` into its package. */
function collect(namespace: protobuf.NamespaceBase): void {
  for (const child of namespace.nestedArray) {
    if (child instanceof protobuf.Type) packageOf(child).messages.push(child);
    else if (child instanceof protobuf.Enum) packageOf(child).enums.push(child);
    else if (child instanceof protobuf.Service) packageOf(child).services.push(child);
    if (child instanceof protobuf.Namespace) collect(child);
  }
}

function packageOf(object: protobuf.ReflectionObject): Package {
  const name = packageName(object);
  let found = packages.get(name);
  if (!found) packages.set(name, (found = { name, messages: [], enums: [], services: [] }));
  return found;
}

function packageName(object: protobuf.ReflectionObject): string {
  let parent = object.parent;
  while (parent instanceof protobuf.Type) parent = parent.parent;
  return parent?.fullName.replace(/^\./, '') ?? '';
}

function moduleText(contents: Package): string {
  const imports = new Set<string>();
  const body = [
    ...contents.enums.map(enumText),
    ...contents.messages.map((message) => messageText(message, imports)),
    ...contents.services.map((service) => serviceText(service, imports)),
  ];
  const needed = [
    contents.enums.length > 0 ? `import { defineEnum } from '../message.ts';` : '',
    contents.messages.length > 0 ? `import { defineMessage } from '../message.ts';` : '',
    contents.services.length > 0
      ? `import { defineMethod, defineService } from '../service.ts';`
      : '',
    ...[...imports].sort().map((name) => `import * as ${importName(name)} from './${name}.ts';`),
  ].filter(Boolean);
  return `// Written by scripts/generate.ts from proto/idl. Do not edit.\n${needed.join('\n')}\n\n${body.join('\n')}`;
}

function enumText(type: protobuf.Enum): string {
  const values = Object.entries(type.values);
  const name = localName(type);
  return (
    documentation(type.comment) +
    `export type ${name} = ${values.map(([value]) => `'${value}'`).join(' | ')};\n` +
    `export const ${name} = /* @__PURE__ */ defineEnum('${fullName(type)}', {\n` +
    values.map(([value, number]) => `  ${value}: ${number},\n`).join('') +
    `});\n`
  );
}

function messageText(type: protobuf.Type, imports: Set<string>): string {
  const name = localName(type);
  const fields = [...type.fieldsArray].sort((a, b) => a.id - b.id);
  const properties = fields.map((field) => {
    const optional = cardinality(field) === 'optional' || cardinality(field) === 'message';
    return (
      documentation(field.comment, '  ') +
      `  ${field.name}${optional ? '?' : ''}: ${propertyType(field, type, imports)};\n`
    );
  });
  const rows = fields.map((field) => {
    const kind = cardinality(field);
    const suffix = kind === 'once' || kind === 'message' ? '' : `, '${kind}'`;
    return `  [${field.id}, '${field.name}', ${tableType(field, type, imports)}${suffix}],\n`;
  });
  return (
    documentation(type.comment) +
    // An empty interface would accept everything.
    (fields.length === 0
      ? `export type ${name} = Record<never, never>;\n`
      : `export interface ${name} {\n${properties.join('')}}\n`) +
    `export const ${name} = /* @__PURE__ */ defineMessage<${name}>('${fullName(type)}', () => [` +
    (rows.length === 0 ? `]);\n` : `\n${rows.join('')}]);\n`)
  );
}

function serviceText(service: protobuf.Service, imports: Set<string>): string {
  const methods = service.methodsArray.map((method) => {
    const kind = method.requestStream ? 'bidi' : method.responseStream ? 'server_stream' : 'unary';
    if (!method.resolvedRequestType || !method.resolvedResponseType) {
      throw new Error(`unresolved types in ${method.fullName}`);
    }
    const request = reference(method.resolvedRequestType, service, imports);
    const response = reference(method.resolvedResponseType, service, imports);
    const property = method.name.charAt(0).toLowerCase() + method.name.slice(1);
    return (
      documentation(method.comment, '  ') +
      `  ${property}: /* @__PURE__ */ defineMethod('${method.name}', '${kind}', ${request}, ${response}),\n`
    );
  });
  return (
    documentation(service.comment) +
    `export const ${service.name}Service = /* @__PURE__ */ defineService('${fullName(service)}', {\n${methods.join('')}});\n`
  );
}

function cardinality(field: protobuf.Field): 'once' | 'message' | 'optional' | 'repeated' | 'map' {
  if (field instanceof protobuf.MapField) {
    if (field.keyType !== 'string') throw new Error(`${field.fullName}: only text keys are known`);
    return 'map';
  }
  if (field.repeated) return 'repeated';
  if (field.resolvedType instanceof protobuf.Type) return 'message';
  if (field.partOf && field.options?.['proto3_optional'] !== true) {
    throw new Error(`${field.fullName}: oneof is not known`);
  }
  return field.partOf ? 'optional' : 'once';
}

function propertyType(field: protobuf.Field, user: protobuf.Type, imports: Set<string>): string {
  const scalar = scalars.get(field.type);
  const type =
    scalar ?? (field.resolvedType ? reference(field.resolvedType, user, imports) : undefined);
  if (type === undefined) throw new Error(`${field.fullName}: type ${field.type} is not known`);
  if (field instanceof protobuf.MapField) return `Record<string, ${type}>`;
  return field.repeated ? `${type}[]` : type;
}

function tableType(field: protobuf.Field, user: protobuf.Type, imports: Set<string>): string {
  return field.resolvedType ? reference(field.resolvedType, user, imports) : `'${field.type}'`;
}

/** How the module of `user` names `target`. */
function reference(
  target: protobuf.ReflectionObject,
  user: protobuf.ReflectionObject,
  imports: Set<string>,
): string {
  const home = packageName(target);
  if (home === packageName(user)) return localName(target);
  imports.add(home);
  return `${importName(home)}.${localName(target)}`;
}

/** `ContainerRuntime` for Runtime inside Container. */
function localName(object: protobuf.ReflectionObject): string {
  return fullName(object)
    .slice(packageName(object).length + 1)
    .replaceAll('.', '');
}

function importName(packageName: string): string {
  return packageName.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
}

function fullName(object: protobuf.ReflectionObject): string {
  return object.fullName.replace(/^\./, '');
}

function documentation(comment: string | null, indent = ''): string {
  if (!comment) return '';
  return `${indent}/** ${comment.split('\n').join(`\n${indent} * `)} */\n`;
}
