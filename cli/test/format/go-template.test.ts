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

  it('has variables, with, else if and trimmed blanks', () => {
    expect(show('{{range $name, $net := .Networks}}{{$name}}={{$net.IPAddress}}{{end}}')).to.equal(
      'bridge=172.18.0.2',
    );
    expect(
      show('{{$state := .State}}{{with .Mounts}}{{len .}}{{$state.Pid}}{{$.Name}}{{end}}'),
    ).to.equal('27/web');
    expect(show('{{if .State.Error}}a{{else if eq .State.Pid 7}}b{{else}}c{{end}}')).to.equal('b');
    expect(show('a {{- .Name -}} b{{/* a comment */}}')).to.equal('a/webb');
    expect(
      show('{{range $i, $m := .Mounts}}{{if $i}}{{break}}{{end}}{{$m.Source}}{{end}}'),
    ).to.equal('/a');
  });

  it('formats as Go does', () => {
    expect(show('{{printf "%-8s|%4d|%q|%05.1f" .State.Status .State.Pid .Name 2.25}}')).to.equal(
      'running |   7|"/web"|002.3',
    );
    expect(show('{{truncate .State.Status 3}} {{pad .Name 1 2}}. {{title "ab cd"}}')).to.equal(
      'run  /web  . Ab Cd',
    );
    expect(show('{{slice .Name 1}} {{index .Mounts 0 "Source"}} {{le .State.Pid 7}}')).to.equal(
      'web /a true',
    );
  });

  it('names what it does not understand', () => {
    expect(() => show('{{.Nope}}')).to.throw("can't evaluate field Nope");
    expect(() => show('{{frobnicate .}}')).to.throw('function "frobnicate" not defined');
    expect(() => show('{{.State')).to.throw('unclosed action');
    expect(() => show('{{if .State}}')).to.throw('{{end}} is missing');
  });
});
