import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Build } from '../../src/builds/build.ts';
import { isFinal } from '../../src/builds/build.ts';
import { runOk } from '../../src/lib/run.ts';
import { ResidentServer, SLIPWAY } from '../contenders/slipway.ts';
import { type GrowthField, type GrowthTable, growthText } from '../growth/growth-table.ts';
import { changeLine, changeLongFile, writeLargeSource } from './large-source.ts';

type SubmitField = Pick<GrowthField, 'folder' | 'signal' | 'say'>;

/** gcloud compresses a gigabyte at its highest level. */
const TIMEOUT_MS = 15 * 60_000;
const PROJECT = 'bench';
const REGION = 'europe-central2';
/** Young files are read again, as people seldom change two in a tenth of a second. */
const OLD_MS = 200;

/** A folder of 1 GB submitted by gcloud and by `slipway submit`, in one run. */
export async function measureSubmit(field: SubmitField): Promise<string[]> {
  return [await growthText(submits, field)];
}

const submits: GrowthTable<SubmitField> = {
  title: 'Submit of a folder of 1 GB',
  about:
    '16,000 files of 30 kB and one of 500 MB; one run, with what comes before it in the table. *submitted*: until the client has ended, with --async; *done*: until the build has, whose one step does nothing. Processor time is that of client and server together. *changed* without a word of the file: one line in one of the small ones.',
  columns: ['client', 'source', 'travelled MB', 'submitted s', '% of gcloud', 'done s', 'processor s'],
  async *lines({ folder, signal }) {
    const own = join(folder, 'submit');
    const source = join(own, 'source');
    await mkdir(own);
    const bytes = await writeLargeSource(source);
    const config = join(own, 'cloudbuild.json');
    await writeFile(config, JSON.stringify({ steps: [{ name: 'gcr.io/cloud-builders/gsutil', args: ['version'] }] }));
    const server = await ResidentServer.create('submit', own);
    try {
      await server.renew();
      const on = new Submits(server, source, config, own, signal);
      const gcloud = await on.gcloud();
      const line = (client: string, what: string, { travelled, submitted, done, cpu }: Submitted) => [
        client,
        what,
        (travelled / 1e6).toFixed(travelled > 1e7 ? 0 : 3),
        submitted.toFixed(2),
        ((submitted / gcloud.submitted) * 100).toFixed(1),
        done.toFixed(2),
        cpu.toFixed(1),
      ];
      yield line('gcloud', `${(bytes / 1e9).toFixed(2)} GB, as every time`, gcloud);
      yield line('slipway', 'first', await on.slipway());
      yield line('slipway', 'unchanged', await on.slipway());
      await changeLine(source, 'changed');
      yield line('slipway', 'changed', await on.slipway());
      changeLongFile(source, 'changed in the middle');
      yield line('slipway', 'changed in the 500 MB', await on.slipway());
    } finally {
      await server.end();
    }
  },
};

interface Submitted {
  travelled: number;
  /** Seconds, as the others. */
  submitted: number;
  done: number;
  cpu: number;
}

class Submits {
  readonly #server: ResidentServer;
  readonly #source: string;
  readonly #config: string;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(server: ResidentServer, source: string, config: string, folder: string, signal: AbortSignal) {
    this.#server = server;
    this.#source = source;
    this.#config = config;
    this.#folder = folder;
    this.#signal = signal;
  }

  async gcloud(): Promise<Submitted> {
    const { stdout } = await runOk(process.execPath, [SLIPWAY, '--data', this.#server.data, 'env']);
    const found = [...stdout.matchAll(/^export (\w+)=(?:'(.*)'|(.*))$/gm)];
    const env = Object.fromEntries(found.map(([, name, quoted, plain]) => [name, quoted ?? plain]));
    const argv = ['gcloud', 'builds', 'submit', this.#source, '--async', `--config=${this.#config}`];
    const more = [`--region=${REGION}`, `--project=${PROJECT}`, '--format=value(id)'];
    return await this.#measure([...argv, ...more], env, async (_said, build) => {
      const { bucket, object } = build.source?.storageSource ?? {};
      const ls = ['storage', 'ls', '-l', `gs://${bucket}/${object}`, `--project=${PROJECT}`];
      const listed = await runOk('gcloud', ls, { env: { ...process.env, ...env } });
      return Number(/^\s*(\d+)/.exec(listed.stdout)?.[1]);
    });
  }

  async slipway(): Promise<Submitted> {
    await sleep(OLD_MS);
    const argv = [process.execPath, SLIPWAY, '--data', this.#server.data, 'submit', this.#source];
    const more = ['--async', '--json', '--config', this.#config, '--region', REGION, '--project', PROJECT];
    const env = { XDG_CACHE_HOME: join(this.#folder, 'cache') };
    return await this.#measure([...argv, ...more], env, async (said) =>
      bytesOf(/^Uploaded ([\d.]+) (\w+)/m.exec(said)),
    );
  }

  async #measure(
    argv: string[],
    env: NodeJS.ProcessEnv,
    travelled: (said: string, build: Build) => Promise<number>,
  ): Promise<Submitted> {
    const { group } = this.#server;
    const before = await group.cpuSeconds();
    const started = performance.now();
    const [program = '', ...args] = group.within(argv);
    const options = { env: { ...process.env, ...env }, signal: this.#signal, timeout: TIMEOUT_MS };
    const { stdout, stderr } = await runOk(program, args, options);
    const submitted = (performance.now() - started) / 1000;
    const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(stdout)?.[0] ?? '';
    const build = await this.#ended(id);
    const done = (performance.now() - started) / 1000;
    const cpu = (await group.cpuSeconds()) - before;
    return { travelled: await travelled(stderr, build), submitted, done, cpu };
  }

  async #ended(id: string): Promise<Build> {
    const describe = ['--data', this.#server.data, 'builds', 'describe', id, '--project', PROJECT, '--region', REGION];
    for (;;) {
      const { stdout } = await runOk(process.execPath, [SLIPWAY, ...describe], { signal: this.#signal });
      const build = JSON.parse(stdout) as Build;
      if (build.status === 'SUCCESS') return build;
      if (isFinal(build.status)) throw new Error(`build ${id}: ${build.status}: ${build.statusDetail}`);
    }
  }
}

function bytesOf(match: RegExpExecArray | null): number {
  const unit = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match?.[2] ?? ''] ?? Number.NaN;
  return Number(match?.[1]) * unit;
}
