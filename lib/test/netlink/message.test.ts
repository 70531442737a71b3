import { expect } from 'chai';
import {
  be32Attribute,
  nestedAttribute,
  parseAttributeList,
  parseAttributes,
  textAttribute,
  textOf,
  u32Attribute,
} from '#lib/netlink/attribute';
import { createVeth, parseLink } from '#lib/netlink/link';
import {
  encodeMessage,
  errorOf,
  NLMSG_ERROR,
  parseMessages,
  type NetlinkMessage,
} from '#lib/netlink/message';

describe('netlink attributes', () => {
  it('are padded to four bytes, with their own length before the padding', () => {
    expect(textAttribute(3, 'eth0').toString('hex')).to.equal('0900030065746830' + '00000000');
  });

  it('carry numbers in the order that their protocol has', () => {
    expect(u32Attribute(4, 1500).toString('hex')).to.equal('08000400dc050000');
    expect(be32Attribute(4, 1500).toString('hex')).to.equal('08000400000005dc');
    expect(be32Attribute(1, -3).toString('hex')).to.equal('08000100fffffffd');
  });

  it('nest, with the flag that says so', () => {
    const nested = nestedAttribute(18, textAttribute(1, 'veth'));
    expect(nested.readUInt16LE(2)).to.equal(18 | 0x8000);
    const inner = parseAttributes(nested).get(18);
    expect(textOf(parseAttributes(inner!).get(1)!)).to.equal('veth');
  });

  it('of a length that does not fit are an error', () => {
    expect(() => parseAttributeList(Buffer.from('0c00010000000000', 'hex'))).to.throw('12 bytes');
    expect(() => parseAttributeList(Buffer.from('0000010000000000', 'hex'))).to.throw('0 bytes');
  });
});

describe('netlink messages', () => {
  it('begin with length, type, flags and sequence', () => {
    const message = encodeMessage({ type: 16, flags: 5, payload: Buffer.from([1, 2, 3]) }, 7);
    expect(message.toString('hex')).to.equal(
      '13000000' + '1000' + '0500' + '07000000' + '00000000' + '01020300',
    );
  });

  it('come several in a datagram', () => {
    const one = encodeMessage({ type: 16, payload: Buffer.from([1, 2, 3]) }, 1);
    const two = encodeMessage({ type: 17, payload: Buffer.alloc(0) }, 2);
    const messages = parseMessages(Buffer.concat([one, two]));
    expect(messages.map(({ type, sequence }) => [type, sequence])).to.deep.equal([
      [16, 1],
      [17, 2],
    ]);
    expect([...messages[0]!.payload]).to.deep.equal([1, 2, 3]);
  });

  const about = { operation: 'create bridge', subject: '"engine0"' };

  it('that acknowledge are no error', () => {
    expect(errorOf(answer(0, Buffer.alloc(0)), about)).to.be.undefined;
  });

  it("of failure name the operation, the object, the errno and the kernel's sentence", () => {
    const error = errorOf(answer(-17, textAttribute(1, 'name is taken')), about);
    expect(error?.message).to.equal('create bridge "engine0" (name is taken): EEXIST');
    expect(error?.kind).to.equal('already_exists');
  });

  function answer(result: number, explanation: Buffer): NetlinkMessage {
    const payload = Buffer.alloc(20);
    payload.writeInt32LE(result, 0);
    payload.writeUInt32LE(400, 4); // the request was longer, but NLM_F_CAPPED leaves its header alone
    const flags = 0x100 | (explanation.length > 0 ? 0x200 : 0);
    return {
      type: NLMSG_ERROR,
      flags,
      sequence: 1,
      portId: 0,
      payload: Buffer.concat([payload, explanation]),
    };
  }
});

describe('createVeth', () => {
  it('describes the near end as a link and the far end inside it', () => {
    const { payload } = createVeth({
      name: 'near',
      master: 5,
      mtu: 1500,
      peer: { name: 'eth0', mac: '02:42:ac:1e:00:02', namespaceFd: 21 },
    });
    const near = parseLink({ type: 16, flags: 0, sequence: 0, portId: 0, payload });
    expect(near).to.deep.include({ name: 'near', kind: 'veth', master: 5, mtu: 1500, up: true });
    const info = parseAttributes(parseAttributes(payload.subarray(16)).get(18)!);
    const far = parseAttributes(info.get(2)!).get(1)!;
    expect(parseLink({ type: 16, flags: 0, sequence: 0, portId: 0, payload: far })).to.deep.include(
      {
        name: 'eth0',
        mac: '02:42:ac:1e:00:02',
        up: false,
      },
    );
    expect(parseAttributes(far.subarray(16)).get(28)?.readUInt32LE(0)).to.equal(21);
  });
});
