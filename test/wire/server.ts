import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type RunOptions, type RunResult, run, runOk } from '../../src/lib/run.ts';
import { missingPrograms } from './registry-image.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const START_MS = 60_000;
const STOP_MS = 60_000;

/** How the program is started: `sources` sees every edit at once, `dist` is what people run and whose memory counts. */
export type Program = 'sources' | 'dist';

const COMMAND: Record<Program, readonly string[]> = {
  sources: ['--import', join(ROOT, 'node_modules/tsx/dist/esm/index.mjs'), join(ROOT, 'src/start/main.ts')],
  dist: [join(ROOT, 'bin/slipway')],
};

/** `npm test` builds first, and drives what people run: its processes start in a quarter of the time. */
const USUAL: Program = process.env['SLIPWAY_TEST_PROGRAM'] === 'dist' ? 'dist' : 'sources';

/** Whether `npm run build` has been run in this checkout. */
export const built = existsSync(join(ROOT, 'dist/start/main.js'));

export interface ServerOptions {
  program?: Program;
  /** Text of slipway.yaml. */
  config?: string;
  /** Added to the server's environment. */
  environment?: NodeJS.ProcessEnv;
  /** An absolute path; a new folder if absent. */
  data?: string;
  /** HOST:PORT; any free port of loopback if absent. */
  listen?: string;
  /** As `--docker-socket`. */
  dockerSocket?: string;
}

/** A whole server, as `slipway serve` starts it, on any free port and a data folder of its own. */
export class TestServer {
  /** A folder for whatever the test writes; the data folder is in it. Removed by `close`. */
  readonly folder: string;
  readonly data: string;
  readonly #program: Program;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #listen: string;
  readonly #dockerSocket: string | undefined;
  #child: ChildProcess | undefined;
  #url = '';
  #env: NodeJS.ProcessEnv | undefined;

  private constructor(folder: string, options: ServerOptions) {
    this.folder = folder;
    this.data = options.data ?? join(folder, 'data');
    this.#program = options.program ?? USUAL;
    this.#listen = options.listen ?? '127.0.0.1:0';
    this.#dockerSocket = options.dockerSocket;
    this.#environment = { ...cleanEnvironment(), ...options.environment };
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-main-'));
    const server = new TestServer(folder, options);
    if (options.config !== undefined) {
      await mkdir(server.data, { mode: 0o700 });
      await writeFile(join(server.data, 'slipway.yaml'), options.config);
    }
    await server.restart().catch(async (error: unknown) => {
      await server.close();
      throw error;
    });
    return server;
  }

  get url(): string {
    return this.#url;
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return this.#url.replace('http://', '');
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What the server has written to its log since its first start. */
  async log(): Promise<string> {
    return readFile(join(this.folder, 'server.log'), 'utf8');
  }

  /** The owner's token. */
  async token(): Promise<string> {
    return (await readFile(join(this.data, 'token'), 'utf8')).trim();
  }

  /**
   * Starts it again on the same data folder, after `kill` or `stop`. The port is another one.
   * @param environment added to what it has, from now on
   */
  async restart(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    Object.assign(this.#environment, environment);
    this.#env = undefined;
    const before = existsSync(join(this.folder, 'server.log')) ? (await this.log()).length : 0;
    const command = [...COMMAND[this.#program], 'serve', '--data', this.data, '--listen', this.#listen];
    if (this.#dockerSocket !== undefined) command.push('--docker-socket', this.#dockerSocket);
    const log = openSync(join(this.folder, 'server.log'), 'a');
    this.#child = spawn(process.execPath, command, { stdio: ['ignore', log, log], env: this.#environment });
    closeSync(log);
    for (const until = Date.now() + START_MS; ; ) {
      const said = existsSync(join(this.folder, 'server.log')) ? (await this.log()).slice(before) : '';
      const ready = /^ready (http:\S+)$/m.exec(said)?.[1];
      if (ready !== undefined) {
        this.#url = ready;
        return;
      }
      if (this.#child.exitCode !== null || Date.now() > until) throw new Error(`the server did not start:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What `cli` runs, for those who need a terminal around it. */
  get program(): readonly string[] {
    return [process.execPath, ...COMMAND[this.#program]];
  }

  /** The command line on this data folder; any exit code. */
  cli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return slipway([...args], {
      program: this.#program,
      timeout: 180_000,
      ...options,
      env: {
        ...cleanEnvironment(),
        SLIPWAY_DATA: this.data,
        // what `slipway submit` remembers is the test's own; the bases, which take a minute to make, are everybody's
        SLIPWAY_CACHE: basesCache(),
        XDG_CACHE_HOME: join(this.folder, 'cache'),
        ...options.env,
      },
    });
  }

  /** The command line's standard output; its whole output is in the error when it fails. */
  async ok(...args: string[]): Promise<string> {
    const result = await this.cli(args);
    return checked('slipway', args, result).stdout;
  }

  /** Submits a folder, waits for the end, and gives the build as the API has it with its log. */
  async submit(source: string, ...flags: string[]): Promise<{ build: EndedBuild; log: string; code: number }> {
    const { code, stdout, stderr } = await this.cli(['submit', source, '--json', ...flags]);
    const start = stdout.indexOf('{');
    if (start < 0) throw new Error(`submit printed no build (exit ${code}):\n${stdout}${stderr}`);
    return { build: JSON.parse(stdout.slice(start)) as EndedBuild, log: stderr, code };
  }

  /** A folder for a source, with these files. */
  async source(name: string, files: Record<string, string>): Promise<string> {
    const folder = join(this.folder, name);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return folder;
  }

  /** Submits a folder and gives the id at once. */
  async submitAsync(source: string, ...flags: string[]): Promise<string> {
    return (await this.ok('submit', source, '--async', ...flags)).trim();
  }

  async build(id: string): Promise<EndedBuild> {
    return JSON.parse(await this.ok('builds', 'describe', id)) as EndedBuild;
  }

  /** JSON from one of the HTTP doors, as the owner. */
  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${await this.token()}` } });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** JSON to one of the HTTP doors, as the owner. */
  async post(path: string, body: unknown): Promise<unknown> {
    const headers = { authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' };
    const response = await fetch(`${this.#url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** The environment that `eval "$(slipway env)"` makes. Activates gcloud where it is installed, which takes seconds. */
  async environment(): Promise<NodeJS.ProcessEnv> {
    this.#env ??= { ...cleanEnvironment(), ...exportsOf(await this.ok('env')), CLOUDSDK_CORE_DISABLE_PROMPTS: '1' };
    return this.#env;
  }

  /** Runs a client as a person would after `eval "$(slipway env)"`; any exit code. */
  async client(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const env = { ...(await this.environment()), ...options.env };
    return run(program, args, { cwd: this.folder, timeout: 180_000, ...options, env });
  }

  /** As `client`, but any exit code other than 0 is an error with the whole output. */
  async clientOk(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return checked(program, args, await this.client(program, args, options));
  }

  /** The example's bucket, mirror and bases. @returns a copy of the example that is this test's own */
  async seed(): Promise<string> {
    const said = await this.ok('seed');
    const example = /^example (.*)$/m.exec(said)?.[1];
    if (example === undefined) throw new Error(`the seed printed no example:\n${said}`);
    const copy = join(this.folder, 'live-coding');
    cpSync(example, copy, { recursive: true });
    return copy;
  }

  /** The server's processes: itself, and the workers that it started. */
  async processes(): Promise<number[]> {
    const children = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').catch(() => '');
    return [this.pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  /** `kill -9`, of the server alone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to end. @returns its exit code; 128 and more when it did not end by itself */
  stop(): Promise<number> {
    return this.#end('SIGTERM');
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? 0;
    const exit = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const [code] = (await exit) as [number | null];
    clearTimeout(timer);
    return code ?? 128;
  }
}

/** slipway.yaml for a server whose builds take their bases from the upstream registry of this machine, which is started. */
export async function mirrorConfig(more = ''): Promise<string> {
  return `registries:\n  mirrors:\n    docker.io: ["${await upstreamUrl()}"]\n${more}`;
}

/** The upstream registry of this machine, which has the base images and is started. */
export async function upstreamUrl(): Promise<string> {
  const { stdout } = await runOk(process.execPath, [join(ROOT, 'scripts/bases/upstream.mjs')]);
  return (JSON.parse(stdout) as { url: string }).url;
}

/** As much of a Build as the tests look at. */
export interface EndedBuild {
  id: string;
  status: string;
  statusDetail?: string;
  failureInfo?: { detail: string };
  logUrl?: string;
  steps: { id?: string; status: string }[];
  results?: { images?: { name: string; digest: string }[] };
}

/** Program and arguments of the command line, for tests that hold its process themselves. */
export function commandOf(program: Program): string[] {
  return [process.execPath, ...COMMAND[program]];
}

/** The command line, without a server of the test's own. */
export function slipway(args: readonly string[], options: RunOptions & { program?: Program } = {}): Promise<RunResult> {
  const { program = 'sources', ...rest } = options;
  return run(process.execPath, [...COMMAND[program], ...args], { env: cleanEnvironment(), ...rest });
}

function basesCache(): string {
  const { SLIPWAY_CACHE, XDG_CACHE_HOME } = process.env;
  return SLIPWAY_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'slipway');
}

/** Nothing of the person who runs the tests: no data folder, no project, no proxy. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(SLIPWAY_(?!CACHE)|CLOUDSDK_|DOCKER_|VITEST|NODE_OPTIONS)/.test(name) && !/^https?_proxy$/i.test(name),
  );
  return Object.fromEntries(kept);
}

function exportsOf(lines: string): Record<string, string> {
  const found = [...lines.matchAll(/^export (\w+)=(?:'(.*)'|(.*))$/gm)];
  return Object.fromEntries(found.map(([, name, quoted, plain]) => [name, quoted ?? plain]));
}

function checked(program: string, args: readonly string[], result: RunResult): RunResult {
  if (result.code !== 0)
    throw new Error(`${program} ${args.join(' ')}: exit ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result;
}

/** Programs that every build of the example needs: the server's own, and those of its bases and upstream. */
const BUILD_PROGRAMS = ['runc', 'ip', 'nft', 'skopeo', 'docker-registry', 'debootstrap', 'busybox', 'git'];

/** Why tests that build the example can't run here, for their names; empty when they can. */
export async function missingForBuilds(...programs: string[]): Promise<string> {
  if (process.getuid?.() !== 0) return ': needs root';
  const missing = await missingPrograms(...BUILD_PROGRAMS, ...programs);
  return missing.map((program) => `: no ${program}`).join('');
}
