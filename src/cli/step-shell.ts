import type { ProcessIo, StartedContainer } from '../containers/container.ts';
import { Problem } from '../lib/problem.ts';
import type { AttachedStreams } from './run-attached.ts';
import type { StartShell } from './services.ts';

/** The better shell where there are two. */
const ANY_SHELL = ['/bin/sh', '-c', 'if command -v bash >/dev/null 2>&1; then exec bash; fi; exec /bin/sh'];

/**
 * A shell at this terminal in place of a step that has failed. Keys go in as they are typed, Ctrl-C among them, and the size
 * of the window follows; the build waits for its end.
 */
export function stepShell({ stdin, stdout, stderr }: AttachedStreams): StartShell {
  return async ({ index, exitCode }, start) => {
    stderr.write(
      `\nStep #${index} has failed with exit code ${exitCode}. This is a shell in its place: its files as it left them, its variables, its network.\nLeave it with exit; then the build ends.\n`,
    );
    const io: ProcessIo = {
      onStdout: (chunk) => void stdout.write(chunk),
      onStderr: (chunk) => void stderr.write(chunk),
      stdin: true,
      terminal: sizeOf(stdout),
    };
    let container: StartedContainer;
    try {
      container = await start(ANY_SHELL, io);
    } catch (error) {
      if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
      stderr.write(`No shell: ${error.message}\n`);
      return;
    }
    const detach = attach(container, stdin, stdout);
    try {
      await container.exited;
    } finally {
      detach();
    }
  };
}

/** @returns what gives the terminal back */
function attach(container: StartedContainer, stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): () => void {
  const type = (keys: Buffer) => void container.write(keys);
  const resize = () => container.resize(sizeOf(stdout));
  stdin.setRawMode(true);
  stdin.on('data', type).resume();
  stdout.on('resize', resize);
  return () => {
    stdout.removeListener('resize', resize);
    stdin.removeListener('data', type).pause();
    stdin.setRawMode(false);
  };
}

/** A terminal that doesn't know its size says 0. */
function sizeOf(stdout: NodeJS.WriteStream): { rows: number; columns: number } {
  return { rows: stdout.rows || 24, columns: stdout.columns || 80 };
}
