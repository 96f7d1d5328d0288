import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../../../src/lib/retry.ts';
import { run, runOk } from '../../../src/lib/run.ts';

const LOOK_EVERY_MS = 30;
const PATIENCE_MS = 30_000;

/** A command in a real terminal: a tmux server of its own, with one pane that stays when the command has ended. */
export class TmuxTerminal {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(
    command: readonly string[],
    options: { env: NodeJS.ProcessEnv; cwd?: string; columns?: number; rows?: number },
  ): Promise<TmuxTerminal> {
    const { env, cwd = tmpdir(), columns = 100, rows = 40 } = options;
    const terminal = new TmuxTerminal(await mkdtemp(join(tmpdir(), 'slipway-tmux-')));
    // the pane's shell must not read what the person who runs the tests has set up
    const words = ['env', ...variables(env), ...command].map(quoted).join(' ');
    // tmux itself now and then doesn't know how a command ended
    const told = `${words}; echo $? > ${terminal.#code}`;
    try {
      await terminal.#tmux('-f', '/dev/null', 'start-server', ';', 'set', '-g', 'remain-on-exit', 'on', ';', 'set', '-g',
        'status', 'off', ';', 'new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', cwd, told); // biome-ignore format: one command line
    } catch (error) {
      await terminal.close();
      throw error;
    }
    return terminal;
  }

  /** Types this text as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text);
  }

  /** Presses keys by tmux's names: `Enter`, `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Everything that scrolled off and the screen, without the empty lines at the end. */
  async lines(): Promise<string[]> {
    const { stdout } = await this.#tmux('capture-pane', '-p', '-S', '-');
    const lines = stdout.split('\n').map((line) => line.trimEnd());
    const dead = lines.findIndex((line) => /^Pane is dead/.test(line));
    const shown = dead < 0 ? lines : lines.slice(0, dead);
    while (shown.at(-1) === '') shown.pop();
    return shown;
  }

  /** Waits for a text at the end of what is shown. */
  async until(pattern: RegExp): Promise<string[]> {
    for (const end = Date.now() + PATIENCE_MS; ; await pause(LOOK_EVERY_MS)) {
      const lines = await this.lines();
      if (pattern.test(lines.join('\n'))) return lines;
      if (Date.now() > end) throw new Error(`the terminal never showed ${pattern}:\n${lines.join('\n')}`);
    }
  }

  /** The exit code of the command, when it has ended. */
  async exited(): Promise<number> {
    for (const end = Date.now() + PATIENCE_MS; ; await pause(LOOK_EVERY_MS)) {
      const code = existsSync(this.#code) ? readFileSync(this.#code, 'utf8').trim() : '';
      // all that it wrote is on the screen when tmux has seen its end too
      if (code !== '' && (await this.#tmux('display-message', '-p', '#{pane_dead}')).stdout.trim() === '1')
        return Number(code);
      if (Date.now() > end) throw new Error(`the command did not end:\n${(await this.lines()).join('\n')}`);
    }
  }

  async close(): Promise<void> {
    await run('tmux', ['-S', join(this.#folder, 's'), 'kill-server']);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #code(): string {
    return join(this.#folder, 'code');
  }

  #tmux(...args: string[]): ReturnType<typeof runOk> {
    return runOk('tmux', ['-S', join(this.#folder, 's'), ...args], {
      env: { ...process.env, TMUX: '', SHELL: '/bin/sh', LC_ALL: 'C.UTF-8', TERM: 'xterm' },
    });
  }
}

/** tmux starts panes with the environment of its server; what counts here is named in the command. */
function variables(env: NodeJS.ProcessEnv): string[] {
  const wanted = /^(DOCKER_|PATH$|HOME$)/;
  return Object.entries(env).flatMap(([name, value]) => (wanted.test(name) ? [`${name}=${value ?? ''}`] : []));
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
