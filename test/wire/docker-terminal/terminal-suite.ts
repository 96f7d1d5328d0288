import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../../src/lib/retry.ts';
import { run } from '../../../src/lib/run.ts';
import { TmuxTerminal } from './tmux.ts';

/** An engine that somebody else starts, with an image `busybox`. */
export interface TerminalEngine {
  /** Path of the docker client. */
  docker: string;
  /** DOCKER_HOST and DOCKER_CONFIG. */
  env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/** What a person at a real terminal sees of containers, the same with every engine. */
export function terminalSuite(name: string, open: () => Promise<TerminalEngine>): void {
  describe(name, () => {
    let engine: TerminalEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine?.close());

    const env = () => ({ PATH: process.env['PATH'], HOME: '/nonexistent', ...engine.env });
    const docker = (...args: string[]) => run(engine.docker, args, { env: env(), timeout: 60_000 });
    const inTerminal = async (args: readonly string[], work: (terminal: TmuxTerminal) => Promise<void>) => {
      const terminal = await TmuxTerminal.start([engine.docker, ...args], { env: env(), columns: 101, rows: 33 });
      try {
        await work(terminal);
      } finally {
        await terminal.close();
      }
    };
    const PROMPT = /\/ # ?$/;

    it('is a terminal of the size of the one outside, from the start and after it changed', async () => {
      const watch = `trap 'exit 9' INT; tty; while :; do stty size; sleep 0.1; done`;
      await inTerminal(['run', '--rm', '-it', 'busybox', 'sh', '-c', watch], async (terminal) => {
        // docker's client tells the size after the start: a program that asks at once may see none
        const [tty] = await terminal.until(/^33 101$/m);
        expect(tty).toBe('/dev/pts/0');
        await terminal.resize(77, 21);
        await terminal.until(/^21 77$/m);
        await terminal.press('C-c');
        expect(await terminal.exited()).toBe(9);
      });
    });

    it('types, edits and ends a shell by its own word, with its code', async () => {
      await inTerminal(['run', '--rm', '-it', 'busybox'], async (terminal) => {
        await terminal.until(PROMPT);
        await terminal.type('echo one twp');
        await terminal.press('BSpace', 'o', 'Enter');
        await terminal.until(/^one two\n\/ #/m);
        await terminal.type('exit 7');
        await terminal.press('Enter');
        expect(await terminal.exited()).toBe(7);
      });
    });

    it('interrupts what runs by Ctrl-C, and the shell goes on', async () => {
      await inTerminal(['run', '--rm', '-it', 'busybox'], async (terminal) => {
        await terminal.until(PROMPT);
        await terminal.type('sleep 1000');
        await terminal.press('Enter');
        await terminal.until(/sleep 1000$/);
        await terminal.press('C-c');
        await terminal.until(/\^C\n\/ # ?$/);
        await terminal.type('echo $?');
        await terminal.press('Enter');
        await terminal.until(/^130\n/m);
        await terminal.press('C-d');
        expect(await terminal.exited()).toBe(0);
      });
    });

    it('ends a shell by Ctrl-D', async () => {
      await inTerminal(['run', '--rm', '-it', 'busybox'], async (terminal) => {
        await terminal.until(PROMPT);
        await terminal.press('C-d');
        expect(await terminal.exited()).toBe(0);
      });
    });

    it.each([
      ['ctrl-p,ctrl-q', [], ['C-p', 'C-q']],
      ['ctrl-x,y', ['--detach-keys=ctrl-x,y'], ['C-x', 'y']],
    ])('is left by %s and goes on, and is entered again', async (_, flags, keys) => {
      await docker('rm', '--force', 'left');
      await inTerminal(['run', '--name', 'left', ...flags, '-it', 'busybox'], async (terminal) => {
        await terminal.until(PROMPT);
        await terminal.type('x=kept');
        await terminal.press('Enter');
        await terminal.until(/x=kept\n\/ # ?$/);
        for (const key of keys) {
          await terminal.press(key);
          // dockerd looks for the keys in what comes in one piece
          await pause(50);
        }
        expect(await terminal.exited()).toBe(0);
      });
      expect((await docker('inspect', '--format', '{{.State.Running}}', 'left')).stdout.trim()).toBe('true');
      await inTerminal(['attach', 'left'], async (terminal) => {
        await terminal.type('echo $x; exit 3');
        await terminal.press('Enter');
        expect(await terminal.exited()).toBe(3);
        expect((await terminal.lines()).join('\n')).toMatch(/^kept$/m);
      });
      await docker('rm', 'left');
    });

    it('gives another process of a container a terminal too', async () => {
      await docker('run', '-d', '--name', 'host', 'busybox', 'sleep', '1000');
      try {
        await inTerminal(['exec', '-it', 'host', 'sh'], async (terminal) => {
          await terminal.until(PROMPT);
          await terminal.type('tty; stty size; exit 4');
          await terminal.press('Enter');
          expect(await terminal.exited()).toBe(4);
          expect((await terminal.lines()).join('\n')).toMatch(/\/dev\/pts\/\d+\n33 101/);
        });
      } finally {
        await docker('rm', '--force', 'host');
      }
    });

    it.each([
      [0, ['busybox', 'true'], ''],
      [7, ['busybox', 'sh', '-c', 'exit 7'], ''],
      [125, ['--no-such-flag', 'busybox'], 'unknown flag'],
      [126, ['busybox', '/etc'], 'permission denied'],
      [127, ['busybox', 'no-such-program'], 'executable file not found'],
    ])('exits with %i', async (code, args, said) => {
      await inTerminal(['run', '--rm', '-it', ...args], async (terminal) => {
        expect(await terminal.exited()).toBe(code);
        expect((await terminal.lines()).join('')).toContain(said);
      });
    });

    it('exits with 137 when it was killed', async () => {
      await inTerminal(['run', '--rm', '--name', 'victim', '-it', 'busybox'], async (terminal) => {
        await terminal.until(PROMPT);
        await docker('kill', 'victim');
        expect(await terminal.exited()).toBe(137);
      });
    });
  });
}
