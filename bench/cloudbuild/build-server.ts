import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Build, isFinal } from '../../src/builds/build.ts';
import type { BuildRequest } from '../../src/builds/request/request.ts';
import { socketClient } from '../../src/cli/control-client.ts';
import { dataFolder } from '../../src/lib/data-folder.ts';
import { runOk } from '../../src/lib/run.ts';
import { ResidentServer } from '../contenders/slipway.ts';
import { ResidentMemory } from '../resident-memory.ts';

const PROJECT = 'bench';
const BUILDS = `/v1/projects/${PROJECT}/locations/europe-central2/builds`;
/** Between two looks at a build; a tenth of what is measured. Milliseconds. */
const LOOK_MS = 15;

/** One of our servers with an empty data folder, asked as gcloud asks it: HTTP, a token in every request. */
export class BuildServer {
  readonly #server: ResidentServer;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  /** Where the registry answers, for image names. */
  readonly host: string;

  /** @param upstream HOST:PORT that plays Docker Hub; builds may reach no loopback address, but the server's mirrors */
  static async start(folder: string, upstream: string): Promise<BuildServer> {
    const config = `registries:\n  mirrors:\n    docker.io: ["http://${upstream}"]\n`;
    const server = await ResidentServer.create('cloudbuild', folder, config);
    try {
      await server.renew();
      const { url } = await socketClient(dataFolder(server.data).socket).call('status', {});
      const token = (await readFile(join(server.data, 'token'), 'utf8')).trim();
      return new BuildServer(server, url, token);
    } catch (error) {
      await server.end();
      throw error;
    }
  }

  private constructor(server: ResidentServer, url: string, token: string) {
    this.#server = server;
    this.#url = url;
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    this.host = new URL(url).host;
  }

  /** Packs a folder and puts it where `gcloud builds submit` does. */
  async upload(folder: string): Promise<NonNullable<BuildRequest['source']>> {
    const bucket = `${PROJECT}_cloudbuild`;
    const archive = `${folder}.tgz`;
    await runOk('tar', ['-C', folder, '-czf', archive, '.']);
    await this.call('POST', `/storage/v1/b?project=${PROJECT}`, { name: bucket });
    const path = `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=source.tgz`;
    const { generation } = await this.#ask<{ generation: string }>('POST', path, await readFile(archive));
    return { storageSource: { bucket, object: 'source.tgz', generation } };
  }

  async submit(request: BuildRequest): Promise<string> {
    const { metadata } = await this.call<{ metadata: { build: Build } }>('POST', BUILDS, request);
    return metadata.build.id;
  }

  build(id: string): Promise<Build> {
    return this.call('GET', `${BUILDS}/${id}`);
  }

  /** The newest of them, as `gcloud builds list` asks. */
  list(): Promise<object> {
    return this.call('GET', `${BUILDS}?pageSize=20`);
  }

  /** @throws when it ended otherwise than SUCCESS */
  async ended(id: string): Promise<Build> {
    for (;;) {
      const build = await this.build(id);
      if (build.status === 'SUCCESS') return build;
      if (isFinal(build.status))
        throw new Error(`build ${id}: ${build.status}: ${build.statusDetail}\n${await this.#log(id)}`);
      await sleep(LOOK_MS);
    }
  }

  /** HEAD of a manifest; the answer is not looked at. */
  async head(name: string, tag: string): Promise<void> {
    const response = await fetch(`${this.#url}/v2/${name}/manifests/${tag}`, {
      method: 'HEAD',
      headers: this.#headers,
    });
    await response.body?.cancel();
  }

  /** A gauge of /metrics. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`, { headers: this.#headers })).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  /** The whole log, as the owner of the data folder has it. */
  #log(id: string): Promise<string> {
    return readFile(join(this.#server.data, 'logs', `${id}.txt`), 'utf8').catch(String);
  }

  call<T = object>(method: string, path: string, body?: object): Promise<T> {
    return this.#ask(method, path, body === undefined ? undefined : JSON.stringify(body));
  }

  async #ask<T>(method: string, path: string, body: string | Buffer | undefined): Promise<T> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: this.#headers,
      ...(body === undefined ? {} : { body }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Processor time of the server, its processes and their containers so far. */
  cpuSeconds(): Promise<number> {
    return this.#server.group.cpuSeconds();
  }

  /** The highest sum of memory of the server and its processes while the work goes on, in bytes. */
  async peakDuring(work: () => Promise<void>): Promise<number> {
    const memory = new ResidentMemory(this.#server.group);
    try {
      await work();
    } finally {
      await memory.stop();
    }
    return await memory.stop();
  }

  end(): Promise<void> {
    return this.#server.end();
  }
}
