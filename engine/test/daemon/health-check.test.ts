import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { decodeContainerConfig } from '../../src/api/container-config.ts';
import {
  checkHealthcheck,
  healthCheckOf,
  mergeHealthchecks,
} from '../../src/daemon/health-check.ts';

const second = 1e9;

describe('healthCheckOf', () => {
  const of = (Healthcheck: object, Shell?: string[]) =>
    healthCheckOf(decodeContainerConfig({ Healthcheck, Shell }, ''));

  it('has docker defaults', () => {
    expect(of({ Test: ['CMD', 'look'] })).to.deep.equal({
      command: ['look'],
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5000,
      retries: 3,
    });
  });

  it('runs CMD-SHELL in the shell of the container', () => {
    expect(of({ Test: ['CMD-SHELL', 'a && b'] })?.command).to.deep.equal([
      '/bin/sh',
      '-c',
      'a && b',
    ]);
    expect(of({ Test: ['CMD-SHELL', 'a'] }, ['/bin/ash', '-ec'])?.command).to.deep.equal([
      '/bin/ash',
      '-ec',
      'a',
    ]);
  });

  it('is none without a test', () => {
    expect(of({})).to.equal(undefined);
    expect(of({ Test: ['NONE'] })).to.equal(undefined);
  });
});

describe('mergeHealthchecks', () => {
  it('takes from the image what was not asked for', () => {
    const image = { Test: ['CMD', 'look'], Interval: 5 * second, Retries: 7 };
    expect(mergeHealthchecks({ Interval: second }, image)).to.deep.equal({
      Test: ['CMD', 'look'],
      Interval: second,
      Retries: 7,
    });
    expect(mergeHealthchecks({ Test: ['NONE'] }, image)?.Test).to.deep.equal(['NONE']);
    expect(mergeHealthchecks(undefined, image)).to.equal(image);
  });
});

describe('checkHealthcheck', () => {
  it('refuses what makes no sense', () => {
    for (const [check, words] of [
      [{ Test: ['RUN', 'x'] }, 'unknown type "RUN"'],
      [{ Test: ['CMD'] }, 'missing command'],
      [{ Test: ['CMD', 'x'], Timeout: 1000 }, 'Timeout in Healthcheck'],
    ] as const) {
      expect(() => checkHealthcheck({ ...check, Test: [...check.Test] })).to.throw(
        StackError,
        words,
      );
    }
  });
});
