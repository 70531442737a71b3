import { expect } from 'chai';
import { parseEndpoint } from '../../src/tasks/shim-endpoint.ts';

describe('parseEndpoint', () => {
  it('takes a bare address for version 2', () => {
    expect(parseEndpoint(Buffer.from('unix:///run/x\n'))).to.deep.equal({
      version: 2,
      address: 'unix:///run/x',
      protocol: 'ttrpc',
    });
  });

  it('takes JSON for what it says', () => {
    const json = '{"version":3,"address":"unix:///run/x","protocol":"ttrpc"}';
    expect(parseEndpoint(Buffer.from(json))).to.include({ version: 3, address: 'unix:///run/x' });
  });

  it('takes a BootstrapResult, with capabilities and metadata or without', () => {
    const expected = { version: 3, address: 'unix:///s', protocol: 'ttrpc' };
    // Encoded by protoc from containerd's bootstrap.proto.
    const plain = '08031209756e69783a2f2f2f731a057474727063';
    for (const hex of [plain, `${plain}2201002a060a0161120162`]) {
      expect(parseEndpoint(Buffer.from(hex, 'hex'))).to.deep.equal(expected);
    }
  });

  for (const text of ['', 'panic: oh no', '{"version":3}', 'null', '{']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseEndpoint(Buffer.from(text))).to.throw(
        'shim did not answer with an address',
      );
    });
  }
});
