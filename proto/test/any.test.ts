import { expect } from 'chai';
import { TaskStart } from '#proto/generated/containerd.events';
import { isAny, packAny, packJson, jsonTypes, unpackAny, unpackJson } from '#proto/any';
import {
  formatTimestamp,
  isTimestampSet,
  timestampFromDate,
  timestampNow,
  timestampToDate,
} from '#proto/timestamp';

describe('packAny', () => {
  const any = packAny(TaskStart, { containerId: 'c', pid: 3 });

  it('names the type without a prefix', () => {
    expect(any.typeUrl).to.equal('containerd.events.TaskStart');
  });

  it('is undone by unpackAny, with and without a prefix', () => {
    const wanted = { containerId: 'c', pid: 3 };
    expect(unpackAny(TaskStart, any)).to.deep.equal(wanted);
    const prefixed = { ...any, typeUrl: `type.googleapis.com/${any.typeUrl}` };
    expect(unpackAny(TaskStart, prefixed)).to.deep.equal(wanted);
    expect(isAny(TaskStart, { ...any, typeUrl: 'containerd.events.TaskStarted' })).to.be.false;
    expect(() => unpackAny(TaskStart, { ...any, typeUrl: 'x' })).to.throw('got "x"');
  });

  it('carries OCI documents as JSON', () => {
    const spec = packJson(jsonTypes.spec, { ociVersion: '1.0.2' });
    expect(unpackJson(spec)).to.deep.equal({ ociVersion: '1.0.2' });
    expect(() => unpackJson({ ...spec, value: Buffer.from('{') })).to.throw('is not JSON');
  });
});

describe('timestamps', () => {
  it('become dates and back', () => {
    for (const text of ['2026-11-21T09:00:00.123Z', '1969-12-31T23:59:59.500Z']) {
      expect(timestampToDate(timestampFromDate(new Date(text))).toISOString()).to.equal(text);
    }
    expect(Math.abs(timestampToDate(timestampNow()).getTime() - Date.now())).to.be.lessThan(1000);
  });

  it('print as RFC 3339 with the digits they need', () => {
    expect(formatTimestamp({ seconds: 0, nanos: 0 })).to.equal('1970-01-01T00:00:00Z');
    expect(formatTimestamp({ seconds: 1, nanos: 120 })).to.equal('1970-01-01T00:00:01.00000012Z');
  });

  it('know the zero time of Go', () => {
    expect(isTimestampSet({ seconds: -62_135_596_800, nanos: 0 })).to.be.false;
    expect(isTimestampSet(undefined)).to.be.false;
    expect(isTimestampSet({ seconds: 0, nanos: 0 })).to.be.true;
  });
});
