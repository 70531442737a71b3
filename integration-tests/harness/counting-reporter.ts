/** Mocha's spec report, then one line `N passed, N failed[, N skipped]` for scripts and CI. */
import Mocha from 'mocha';

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      process.on('exit', () => {
        console.log(
          `${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`,
        );
      });
    });
  }
}
