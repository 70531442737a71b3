import { expect } from 'chai';
import fc from 'fast-check';
import { digestOf } from '#spec/digest';
import { isStackError } from '#spec/errors';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  repositoryOf,
  withDefaultTag,
} from '#spec/reference';

const digest = digestOf('');

function messageFor(text: string): string {
  try {
    parseReference(text);
  } catch (error) {
    if (isStackError(error, 'invalid_argument')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('parseReference', () => {
  it('fills in what Docker Hub leaves out', () => {
    const full = (text: string) => formatReference(withDefaultTag(parseReference(text)));
    expect(full('busybox')).to.equal('docker.io/library/busybox:latest');
    expect(full('busybox:1.36')).to.equal('docker.io/library/busybox:1.36');
    expect(full('user/app')).to.equal('docker.io/user/app:latest');
    expect(full('docker.io/busybox')).to.equal('docker.io/library/busybox:latest');
    expect(full('index.docker.io/a/b')).to.equal('docker.io/a/b:latest');
    expect(full('localhost/app')).to.equal('localhost/app:latest');
    expect(full('127.0.0.1:5000/busybox')).to.equal('127.0.0.1:5000/busybox:latest');
    expect(full('[::1]:5000/a/b:c')).to.equal('[::1]:5000/a/b:c');
    expect(full('Registry/app')).to.equal('Registry/app:latest');
    expect(full(`debian@${digest}`)).to.equal(`docker.io/library/debian@${digest}`);
    expect(full(`debian:12@${digest}`)).to.equal(`docker.io/library/debian:12@${digest}`);
    expect(full('localhost:80')).to.equal('docker.io/library/localhost:80');
  });

  it('splits into parts', () => {
    expect(parseReference(`h:1/a/b:t@${digest}`)).to.deep.equal({
      domain: 'h:1',
      path: 'a/b',
      tag: 't',
      digest,
    });
  });

  it('refuses what docker refuses, in its words', () => {
    for (const text of [
      '',
      ':tag',
      '/busybox',
      'busybox:',
      'busybox:-x',
      'busybox::1',
      'a//b',
      'a/b/',
      '-a',
      'a-',
      'a..b',
      'a___b',
      'a b',
      'http://host/a',
      'busybox:latest:again',
      `busybox:${'x'.repeat(129)}`,
      'docker.io/',
      '../../etc/passwd',
      'a@',
    ]) {
      expect(messageFor(text), text).to.match(/^invalid reference format/);
    }
    expect(messageFor('BusyBox')).to.equal(
      'invalid reference format: repository name (library/BusyBox) must be lowercase',
    );
    expect(messageFor('host:5000/Team/app:TAG')).to.equal(
      'invalid reference format: repository name (Team/app) must be lowercase',
    );
    expect(messageFor('a'.repeat(64))).to.include('cannot specify 64-byte hexadecimal strings');
    expect(messageFor('a@sha256:123')).to.equal('invalid reference format');
    expect(messageFor(`h.io/${'a'.repeat(251)}`)).to.include('more than 255 characters');
    expect(messageFor(`h.io/${'a'.repeat(250)}`)).to.equal('accepted');
  });

  it('reads back what it writes, in both forms', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}$/);
    const reference = fc.record(
      {
        domain: fc.constantFrom('docker.io', 'localhost', 'r.example:5000', '[::1]:80', 'UPPER'),
        path: fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
        tag: fc.stringMatching(/^\w[\w.-]{0,20}$/),
        digest: fc.constant(digest),
      },
      { requiredKeys: ['domain', 'path'] },
    );
    fc.assert(
      fc.property(reference, (parts) => {
        const parsed = parseReference(formatReference(parts));
        expect(formatReference(parseReference(formatReference(parsed)))).to.equal(
          formatReference(parsed),
        );
        expect(parseReference(formatFamiliar(parsed))).to.deep.equal(parsed);
      }),
    );
  });

  it('either parses or refuses cleanly, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        messageFor(text);
      }),
    );
  });
});

describe('the familiar form', () => {
  it('leaves out what Docker Hub implies', () => {
    const familiar = (text: string) => formatFamiliar(parseReference(text));
    expect(familiar('docker.io/library/busybox:latest')).to.equal('busybox:latest');
    expect(familiar('docker.io/user/app')).to.equal('user/app');
    expect(familiar('docker.io/library/a/b')).to.equal('library/a/b');
    expect(familiar('docker.io/a.b/c:1')).to.equal('docker.io/a.b/c:1');
    expect(familiar('r.example/library/app:1')).to.equal('r.example/library/app:1');
    expect(familiarName(parseReference(`busybox:1@${digest}`))).to.equal('busybox');
    expect(formatReference(repositoryOf(parseReference('busybox:1')))).to.equal(
      'docker.io/library/busybox',
    );
  });
});
