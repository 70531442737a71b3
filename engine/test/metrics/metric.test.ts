import { expect } from 'chai';
import { measured } from '../../src/metrics/measured.ts';
import { Counter, Reading, Timer } from '../../src/metrics/metric.ts';
import { parseMetricsAddress } from '../../src/metrics/metrics-server.ts';

describe('metrics', () => {
  it('are written as Prometheus reads them', () => {
    const counter = new Counter('c_total', 'Count');
    counter.increment();
    expect(counter.expose()).to.equal('# HELP c_total Count\n# TYPE c_total counter\nc_total 1\n');
    const reading = new Reading('g', 'Gauge', () => [[{ os: 'a "b"\\\n' }, 2.5]]);
    expect(reading.expose()).to.include('g{os="a \\"b\\"\\\\\\n"} 2.5\n');
  });

  it('count times in all buckets that they fit into', () => {
    const timer = new Timer('t_seconds', 'Time', 'action', ['known']);
    timer.observe('start', 0.3);
    timer.observe('start', 20);
    const text = timer.expose();
    expect(text).to.include('t_seconds_bucket{action="known",le="0.005"} 1\n');
    expect(text).to.include('t_seconds_bucket{action="start",le="0.25"} 0\n');
    expect(text).to.include('t_seconds_bucket{action="start",le="0.5"} 1\n');
    expect(text).to.include('t_seconds_bucket{action="start",le="10"} 1\n');
    expect(text).to.include('t_seconds_bucket{action="start",le="+Inf"} 2\n');
    expect(text).to.include(
      't_seconds_sum{action="start"} 20.3\nt_seconds_count{action="start"} 2\n',
    );
  });

  it('note the time of the methods that were named, when they succeed', async () => {
    class Worker {
      readonly #answer = 42;
      async good(): Promise<number> {
        return this.#answer;
      }
      async bad(): Promise<number> {
        throw new Error('no');
      }
      other(): number {
        return this.#answer;
      }
    }
    const timer = new Timer('t', 'Time', 'action');
    const worker = measured(new Worker(), { good: 'good', bad: 'bad' }, timer);
    expect([await worker.good(), worker.other()]).to.deep.equal([42, 42]);
    await worker.bad().catch(() => undefined);
    expect(timer.expose()).to.include('t_count{action="good"} 1').and.not.include('bad');
  });

  it('are served where an address says', () => {
    expect(parseMetricsAddress('127.0.0.1:9323')).to.deep.equal({ host: '127.0.0.1', port: 9323 });
    expect(parseMetricsAddress('[::1]:1')).to.deep.equal({ host: '::1', port: 1 });
    expect(parseMetricsAddress(':1')).to.deep.equal({ host: '', port: 1 });
    for (const text of ['9323', 'a:b:1', 'x:70000', 'x:']) {
      expect(() => parseMetricsAddress(text), text).to.throw('it is not host:port');
    }
  });
});
