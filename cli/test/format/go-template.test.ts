import { expect } from 'chai';
import { compileTemplate } from '../../src/format/go-template.ts';

const container = {
  Name: '/web',
  State: { Status: 'running', Pid: 7, Error: '' },
  Mounts: [{ Source: '/a' }, { Source: '/b' }],
  Networks: { bridge: { IPAddress: '172.18.0.2' } },
};

const show = (template: string): string => compileTemplate(template)(container);

describe('compileTemplate', () => {
  it('follows fields', () => {
    expect(show('{{.State.Status}} {{.State.Pid}}')).to.equal('running 7');
  });

  it('ranges, with else for nothing', () => {
    expect(show('{{range .Mounts}}{{.Source}};{{else}}none{{end}}')).to.equal('/a;/b;');
    expect(show('{{range .Networks}}{{.IPAddress}}{{end}}')).to.equal('172.18.0.2');
    expect(compileTemplate('{{range .}}x{{else}}none{{end}}')([])).to.equal('none');
  });

  it('decides', () => {
    expect(show('{{if .State.Error}}bad{{else}}fine{{end}}')).to.equal('fine');
    expect(show('{{if eq .State.Status "running"}}up{{end}}')).to.equal('up');
  });

  it('calls functions and pipes', () => {
    expect(show('{{json .State}}')).to.equal(JSON.stringify(container.State));
    expect(show('{{.State.Status | upper}} {{len .Mounts}}')).to.equal('RUNNING 2');
    expect(show('{{(index .Mounts 1).Source}}')).to.equal('/b');
    expect(show('{{.State}}')).to.equal('map[Error: Pid:7 Status:running]');
  });

  it('names what it does not understand', () => {
    expect(() => show('{{.Nope}}')).to.throw("can't evaluate field Nope");
    expect(() => show('{{frobnicate .}}')).to.throw('function "frobnicate" not defined');
    expect(() => show('{{.State')).to.throw('unclosed action');
    expect(() => show('{{if .State}}')).to.throw('{{end}} is missing');
  });
});
