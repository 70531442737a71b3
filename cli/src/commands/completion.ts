/** `engine completion bash`, `zsh` and `fish`. */
import { defineCommand } from '../command-line/command.ts';
import { completionScripts, type Shell } from '../completion/scripts.ts';

const forShell = (shell: Shell) =>
  defineCommand({
    synopsis: '',
    arguments: { min: 0, max: 0 },
    flags: {},
    async run() {
      process.stdout.write(completionScripts[shell]);
      return Promise.resolve(0);
    },
  });

export const completionBash = forShell('bash');
export const completionZsh = forShell('zsh');
export const completionFish = forShell('fish');
