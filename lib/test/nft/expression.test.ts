import { expect } from 'chai';
import { parseAttributeList, parseAttributes, textOf } from '#lib/netlink/attribute';
import {
  connectionState,
  interfaceIn,
  interfaceIs,
  interfacePairIn,
  verdict,
  type Phrase,
} from '#lib/nft/expression';
import { addressIn } from '#lib/nft/nat';
import { decodeComment, encodeComment } from '#lib/nft/rule-comment';

/** `name` and the payload of each attribute in hex, for every instruction of a phrase. */
function instructions(phrase: Phrase): [string, Record<number, string>][] {
  return phrase.map((element) => {
    const expression = parseAttributes(parseAttributes(element).get(1)!);
    const data = parseAttributeList(expression.get(2) ?? Buffer.alloc(0));
    return [
      textOf(expression.get(1)!),
      Object.fromEntries(data.map(({ type, payload }) => [type, payload.toString('hex')])),
    ];
  });
}

const eth0 = '65746830'.padEnd(32, '0');

describe('nft expressions', () => {
  it('compare an interface name over its whole 16 bytes', () => {
    expect(instructions(interfaceIs('iifname', 'eth0'))).to.deep.equal([
      ['meta', { 1: '00000001', 2: '00000006' }],
      ['cmp', { 1: '00000001', 2: '00000000', 3: `14000100${eth0}` }],
    ]);
  });

  it('look names up in a set, inverted for !=', () => {
    const [, lookup] = instructions(interfaceIn('oifname', 'bridges', { inverted: true }));
    expect(lookup?.[0]).to.equal('lookup');
    expect(lookup?.[1]).to.deep.include({ 2: '00000001', 5: '00000001' });
  });

  it('put the parts of a concatenation side by side in registers of 4 bytes', () => {
    const [first, second, lookup] = instructions(interfacePairIn('pairs'));
    expect([first?.[1][1], second?.[1][1]]).to.deep.equal(['00000008', '0000000c']);
    expect(lookup?.[1][2]).to.equal('00000001');
  });

  it('read addresses at their place in the IPv4 header', () => {
    expect(instructions(addressIn('saddr', 's', 'ip'))[0]?.[1]).to.deep.include({ 3: '0000000c' });
    expect(instructions(addressIn('daddr', 's', 'ip'))[0]?.[1]).to.deep.include({ 3: '00000010' });
    const ipv6 = { 3: '00000008', 4: '00000010' };
    expect(instructions(addressIn('saddr', 's', 'ip6'))[0]?.[1]).to.deep.include(ipv6);
  });

  it('mask the connection state and ask whether something is left', () => {
    const [load, mask, compare] = instructions(connectionState('established', 'related'));
    expect(load?.[0]).to.equal('ct');
    expect(mask?.[1][4]).to.equal('0800010006000000');
    expect(compare?.[1]).to.deep.include({ 2: '00000001', 3: '0800010000000000' });
  });

  it('end in a verdict', () => {
    expect(instructions(verdict('drop'))).to.deep.equal([
      ['immediate', { 1: '00000000', 2: '0c000280' + '0800010000000000' }],
    ]);
  });
});

describe('rule comments', () => {
  it('survive being written and read', () => {
    expect(decodeComment(encodeComment('engined:engine0'))).to.equal('engined:engine0');
  });

  it('are found behind other user data', () => {
    expect(decodeComment(Buffer.concat([Buffer.from([1, 2, 9, 9]), encodeComment('x')]))).to.equal(
      'x',
    );
    expect(decodeComment(Buffer.from([1, 2, 9, 9]))).to.be.undefined;
  });

  it('longer than their length byte can say are refused', () => {
    expect(() => encodeComment('x'.repeat(255))).to.throw(RangeError);
  });
});
