import { expect } from 'chai';
import fc from 'fast-check';
import { answer } from '../../../src/network/dns/container-resolver.ts';
import { parseQuestion, recordTypes } from '../../../src/network/dns/message.ts';
import { hostUpstream, takeMessage, withLength } from '../../../src/network/dns/upstream.ts';
import type { Endpoint } from '../../../src/network/network-controller.ts';

function query(name: string, type: number = recordTypes.A, id = 0x1234): Buffer {
  const labels = name
    .split('.')
    .flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, ...labels, Buffer.from([0, type >> 8, type & 255, 0, 1])]);
}

function endpoint(ipAddress: string, names: string[], networkName = 'front'): Endpoint {
  return {
    ...{ networkId: 'n', networkName, endpointId: 'e', ipAddress, prefixLength: 24 },
    ...{ ipv6Address: '', ipv6PrefixLength: 0, ipv6Gateway: '' },
    ...{ gateway: '10.0.0.1', macAddress: '', interfaceName: 'eth0', hostLink: 'v' },
    aliases: [],
    names,
  };
}

const endpoints = [
  endpoint('10.0.0.2', ['web', 'al']),
  { ...endpoint('10.0.0.3', ['db']), ipv6Address: 'fd00::3', ipv6PrefixLength: 64 },
  endpoint('10.0.0.4', ['db2', 'db']),
];

/** Asks with no name server behind. */
async function ask(message: Buffer, transport: 'udp' | 'tcp' = 'udp'): Promise<Buffer | undefined> {
  const inside = hostUpstream();
  try {
    const neighbourhood = () => ({
      endpoints,
      links: { Store: 'db2' },
      nameServers: [],
      isInternal: false,
      hasIpv6: false,
    });
    return await answer(message, transport, { neighbourhood, inside, outside: inside });
  } finally {
    inside.close();
  }
}

const codeOf = (reply: Buffer | undefined): number => (reply?.readUInt16BE(2) ?? 0xffff) & 15;
const countOf = (reply: Buffer | undefined): number => reply?.readUInt16BE(6) ?? -1;

describe('the name server of a container', () => {
  it('knows neighbours by name, alias and name with network, in any case', async () => {
    for (const name of ['web', 'al', 'WEB', 'web.front', 'Web.Front']) {
      const reply = await ask(query(name));
      expect(countOf(reply), name).to.equal(1);
      expect(reply?.subarray(-4), name).to.deep.equal(Buffer.from([10, 0, 0, 2]));
      expect(reply?.readUInt16BE(0)).to.equal(0x1234);
    }
  });

  it('gives all addresses of a name that several have', async () => {
    const reply = await ask(query('db'));
    expect(countOf(reply)).to.equal(2);
  });

  it('has no IPv6 address for a neighbour without one, which is not the same as no such name', async () => {
    const reply = await ask(query('web', recordTypes.AAAA));
    expect([codeOf(reply), countOf(reply)]).to.deep.equal([0, 0]);
  });

  it('knows the IPv6 address of a neighbour that has one, and its name by it', async () => {
    const reply = await ask(query('db', recordTypes.AAAA));
    expect(countOf(reply)).to.equal(1);
    expect(reply?.subarray(-16).toString('hex')).to.equal(`fd00${'0'.repeat(27)}3`);
    const reverse = `3${'.0'.repeat(27)}.0.0.d.f.ip6.arpa`;
    const named = await ask(query(reverse, recordTypes.PTR));
    expect(named?.toString('latin1')).to.contain('\x02db\x05front\x00');
  });

  it('knows a neighbour by the name of a link', async () => {
    const reply = await ask(query('store'));
    expect(reply?.subarray(-4)).to.deep.equal(Buffer.from([10, 0, 0, 4]));
  });

  it('names the neighbour that has an address', async () => {
    const reply = await ask(query('3.0.0.10.in-addr.arpa', recordTypes.PTR));
    expect(reply?.toString('latin1')).to.contain('\x02db\x05front\x00');
  });

  it('says that it failed when nobody knows more', async () => {
    for (const name of ['nosuch', 'example.org', '9.9.9.9.in-addr.arpa']) {
      expect(codeOf(await ask(query(name))), name).to.equal(2);
    }
  });

  it('answers nothing to what is no question, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        const message = Buffer.from(bytes);
        const reply = await ask(message);
        expect(reply === undefined).to.equal(parseQuestion(message) === undefined);
      }),
      { numRuns: 200 },
    );
    const question = query('web');
    for (let length = 0; length < question.length; length++) {
      expect(parseQuestion(question.subarray(0, length)), `${length} bytes`).to.equal(undefined);
    }
  });

  it('reads messages by TCP in pieces', () => {
    const stream = Buffer.concat([withLength(Buffer.from('one')), withLength(Buffer.from('two'))]);
    expect(takeMessage(stream.subarray(0, 4))[0]).to.equal(undefined);
    const [first, rest] = takeMessage(stream);
    expect(first?.toString()).to.equal('one');
    expect(takeMessage(rest)[0]?.toString()).to.equal('two');
  });
});
