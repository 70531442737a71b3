import { expect } from 'chai';
import { linkEnvironment } from '../../src/container-spec/link-environment.ts';

describe('linkEnvironment', () => {
  it('names ports in the order of docker, tcp first, and ranges by their first port', () => {
    const variables = linkEnvironment({
      name: '/web/my-db',
      address: '172.30.0.2',
      environment: ['A=1', 'HOME=/', 'PATH=/bin', 'NOTHING'],
      ports: ['53/udp', '81/tcp', '80'],
    });
    const port = (name: string, url: string, number: number, protocol: string): string[] => [
      `MY_DB_PORT_${name}=${url}`,
      `MY_DB_PORT_${name}_ADDR=172.30.0.2`,
      `MY_DB_PORT_${name}_PORT=${number}`,
      `MY_DB_PORT_${name}_PROTO=${protocol}`,
    ];
    expect(variables).to.deep.equal([
      'MY_DB_PORT=tcp://172.30.0.2:80',
      ...port('80_TCP', 'tcp://172.30.0.2:80', 80, 'tcp'),
      ...port('81_TCP', 'tcp://172.30.0.2:81', 81, 'tcp'),
      'MY_DB_PORT_80_TCP_START=tcp://172.30.0.2:80',
      'MY_DB_PORT_80_TCP_PORT_START=80',
      'MY_DB_PORT_80_TCP_END=tcp://172.30.0.2:81',
      'MY_DB_PORT_80_TCP_PORT_END=81',
      ...port('53_UDP', 'udp://172.30.0.2:53', 53, 'udp'),
      'MY_DB_NAME=/web/my-db',
      'MY_DB_ENV_A=1',
    ]);
  });

  it('says no more than the name of a container without ports', () => {
    const other = { name: '/web/db', address: '172.30.0.2', environment: [], ports: [] };
    expect(linkEnvironment(other)).to.deep.equal(['DB_NAME=/web/db']);
  });
});
