import { expect } from 'chai';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { errorLines } from '#lib/criu/error-lines';
import { request, requestTypes, response, type CriuRequest } from '#lib/criu/rpc';
import { decodeMessage, encodeMessage, type Schema } from '#lib/criu/wire';

/** The same schema for protobufjs, which knows the format from elsewhere. */
function messageType(name: string, schema: Schema): protobuf.Type {
  const type = new protobuf.Type(name);
  for (const [field, { number, type: kind, repeated }] of Object.entries(schema)) {
    const nested = typeof kind === 'object' ? messageType(`${name}_${field}`, kind) : undefined;
    if (nested) type.add(nested);
    const wire = nested?.name ?? { int: 'int32', bool: 'bool', text: 'string' }[kind as 'int'];
    type.add(new protobuf.Field(field, number, wire, repeated ? 'repeated' : 'optional'));
  }
  return type;
}

const requestType = messageType('criu_req', request);
new protobuf.Root().add(requestType);

const requests = fc.record(
  {
    type: fc.constantFrom(...Object.values(requestTypes)),
    notify_success: fc.boolean(),
    opts: fc.record(
      {
        pid: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
        leave_running: fc.boolean(),
        root: fc.string(),
        ps: fc.record({ address: fc.string(), port: fc.nat() }),
        ext_mnt: fc.array(fc.record({ key: fc.string(), val: fc.string() })),
        external: fc.array(fc.string()),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['type'] },
);

describe("messages of criu's interface", () => {
  it('are the bytes that protobufjs writes', () => {
    fc.assert(
      fc.property(requests, (message: CriuRequest) => {
        const ours = encodeMessage(request, message);
        const read = requestType.decode(ours).toJSON();
        expect(read).to.deep.equal(requestType.fromObject(message).toJSON());
        expect(Buffer.from(requestType.encode(read).finish()).length).to.equal(ours.length);
      }),
    );
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(requests, (message: CriuRequest) => {
        const read = decodeMessage(request, encodeMessage(request, message));
        expect(JSON.stringify(read)).to.equal(
          JSON.stringify(decodeMessage(request, Buffer.from(encodeMessage(request, read)))),
        );
        expect(read.type).to.equal(message.type);
        expect(read.opts?.pid).to.equal(message.opts?.pid);
      }),
    );
  });

  it('may have fields that we do not know', () => {
    // type 1 = NOTIFY, success 2 = true, notify 5 = { script "x", pid 7 }, field 99 of every wire type
    const bytes = Buffer.from([
      ...[8, 6, 16, 1, 0x2a, 5, 0x0a, 1, 0x78, 16, 7],
      ...[0x98, 6, 1, 0x9a, 6, 2, 1, 2, 0x99, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0x9d, 6, 0, 0, 0, 0],
    ]);
    expect(decodeMessage(response, bytes)).to.deep.equal({
      type: requestTypes.NOTIFY,
      success: true,
      notify: { script: 'x', pid: 7 },
    });
  });

  it('are refused when they are cut off or of the wrong kind', () => {
    for (const bytes of [[8], [0x2a, 5, 1], [0x0a, 1, 0], [0x0b], Array(12).fill(0xff)]) {
      expect(() => decodeMessage(response, Buffer.from(bytes as number[]))).to.throw(
        'what is no protobuf message',
      );
    }
  });
});

describe('errorLines', () => {
  it('takes what criu marks as an error, without the time', () => {
    const log = `(00.001) Warn  (criu/a.c:1): odd
(00.002950) Error (criu/cr-dump.c:98): Can't dump it
(00.003) 1: Error (criu/files.c:2): no`;
    expect(errorLines(log)).to.deep.equal([
      "Error (criu/cr-dump.c:98): Can't dump it",
      '1: Error (criu/files.c:2): no',
    ]);
  });

  it('keeps the last ones of many', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `Error (x.c:${index}): no`);
    expect(errorLines(lines.join('\n')))
      .to.have.lengthOf(8)
      .and.include('Error (x.c:29): no');
  });
});
