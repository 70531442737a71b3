import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { startFailure } from '../../src/daemon/start-failure.ts';

const failure = (words: string, command = 'nope') =>
  startFailure(new StackError('internal', words), { Entrypoint: null, Cmd: [command] });

describe('startFailure', () => {
  it('is 127 and a bad request for a command that is not there', () => {
    const { exitCode, error } = failure(
      'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH',
    );
    expect([exitCode, error.kind]).to.deep.equal([127, 'invalid_argument']);
    expect(error.message).to.match(/^failed to create task for container: .*: unknown$/);
  });

  it('has the words of every layer, also where containerd-lite leaves its own out', () => {
    const create = 'OCI runtime create failed: runc create failed: no';
    const whole = `failed to create task for container: failed to create shim task: ${create}: unknown`;
    expect(failure(create).error.message).to.equal(whole);
    expect(failure(`failed to create shim task: ${create}`).error.message).to.equal(whole);
    expect(failure('OCI runtime exec failed: no').error.message).to.not.include('shim task');
  });

  it('is 126 for a command that may not be executed', () => {
    const words = 'OCI runtime create failed: exec: "/etc/passwd": permission denied: unknown';
    expect(failure(words, '/etc/passwd').exitCode).to.equal(126);
    expect(failure(words).error.message).to.not.match(/unknown: unknown$/);
  });

  it('keeps an error that is no answer of a runtime', () => {
    const { exitCode, error } = failure('the subnet is full');
    expect([exitCode, error.message]).to.deep.equal([128, 'the subnet is full']);
  });
});
