import { run } from '../../../src/lib/run.ts';
import { maskedPlain } from '../../cases/build-progress/masked.ts';
import { TmuxTerminal } from '../docker-terminal/tmux.ts';
import type { DockerSetUp } from './docker-clients.ts';
import { MaskedOutput } from './masked-output.ts';

/** One command and what was answered, masked. */
export interface Exchange {
  command: string;
  code: number;
  out?: string[];
  err?: string[];
  /** BuildKit's lines by the name of their vertex. */
  steps?: Record<string, string[]>;
  /** What a terminal showed. */
  screen?: string[];
}

export interface Engine {
  /** DOCKER_HOST. */
  host: string;
  /** Put behind the word `build`: a dockerd without a bridge has only this network for BuildKit. */
  buildFlags?: readonly string[];
}

/** Docker commands one after the other by one client, and what an engine answers. */
export class Conversation {
  readonly exchanges: Exchange[] = [];
  readonly #engine: Engine;
  readonly #setUp: DockerSetUp;
  readonly #masked = new MaskedOutput();
  readonly #env: NodeJS.ProcessEnv;
  /** Of every command from now on. */
  cwd: string;

  /** @param config folder of DOCKER_CONFIG */
  constructor(engine: Engine, setUp: DockerSetUp, config: string, cwd: string) {
    this.#engine = engine;
    this.#setUp = setUp;
    this.cwd = cwd;
    this.#env = {
      PATH: process.env['PATH'],
      HOME: config,
      DOCKER_HOST: engine.host,
      DOCKER_CONFIG: config,
      DOCKER_BUILDKIT: setUp.builder,
    };
  }

  /** The words behind `docker`, as a person types them; quotes group. @returns what was printed, unmasked */
  async docker(line: string, input?: string): Promise<{ code: number; stdout: string; stderr: string }> {
    const options = { cwd: this.cwd, env: this.#env, timeout: 120_000, ...(input === undefined ? {} : { input }) };
    const said = await run(this.#setUp.client.path, this.#words(line), options);
    const vertices = /^#\d+ /m.test(said.stderr);
    const err = !vertices ? said.stderr : said.code === 0 ? '' : failure(said.stderr);
    const out = this.#masked.lines(said.stdout);
    this.exchanges.push({
      command: this.#command(line),
      code: said.code,
      // in the order of the folder on the disk
      ...written('out', line.startsWith('diff ') ? out.sort() : out),
      ...written('err', this.#masked.lines(err.replaceAll(this.cwd, 'HERE'))),
      ...(vertices ? { steps: this.#steps(said.stderr) } : {}),
    });
    return said;
  }

  /** A command in a terminal, with lines typed whenever its prompt stands. */
  async terminal(line: string, typed: readonly string[], prompt: RegExp): Promise<string[]> {
    const command = [this.#setUp.client.path, ...this.#words(line)];
    const terminal = await TmuxTerminal.start(command, { env: this.#env, cwd: this.cwd });
    try {
      for (const [i, text] of typed.entries()) {
        await terminal.until(prompts(prompt, i + 1));
        await terminal.type(text);
        await terminal.press('Enter');
      }
      const code = await terminal.exited();
      const lines = await terminal.lines();
      const command = this.#command(line);
      this.exchanges.push({ command, code, ...written('screen', this.#masked.lines(lines.join('\n'))) });
      return lines;
    } finally {
      await terminal.close();
    }
  }

  /** A docker command that brings about the state from which the lesson begins: any exit code, and not compared. */
  async before(...words: string[]): Promise<string> {
    return (await run(this.#setUp.client.path, words, { env: this.#env, timeout: 120_000 })).stdout;
  }

  #command(line: string): string {
    return this.#masked.lines(`docker ${line}`).join(' ');
  }

  #steps(text: string): Record<string, string[]> {
    // how long it took to find a base is told by its vertex only when it was asked for by its digest
    const steps = Object.entries(maskedPlain(text)).map(([name, said]): [string, string[]] => [
      name,
      said.filter((line) => !line.startsWith('resolve ')),
    ]);
    // 20.10 names the base with its digest as soon as the client has asked for it
    return Object.fromEntries(
      steps.map(([name, said]) => [name.replace(/^(FROM .*)@sha256:.*$/, '$1'), this.#masked.lines(said.join('\n'))]),
    );
  }

  #words(line: string): string[] {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    return words[0] === 'build' ? ['build', ...(this.#engine.buildFlags ?? []), ...words.slice(1)] : words;
  }
}

/** So many prompts, with the last at the end. */
function prompts(prompt: RegExp, count: number): RegExp {
  return new RegExp(`(?:(?:^|\\n)${prompt.source}[^]*?){${count - 1}}(?:^|\\n)${prompt.source} ?$`);
}

function written<K extends string>(name: K, lines: string[]): { [key in K]?: string[] } {
  return lines.length === 0 ? {} : ({ [name]: lines } as { [key in K]: string[] });
}

/** Versions of BuildKit word it differently, and ours says more; what it comes to is the same. */
function failure(text: string): string {
  const [found] =
    text.match(/(?:exit code: \d+|invalid reference format)(?!.*(?:exit code: |invalid reference format))/s) ?? [];
  return found ?? text.trimEnd().split('\n').at(-1) ?? '';
}
