import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Build, isFinal } from '../../../src/builds/build.ts';
import type { BuildRequest } from '../../../src/builds/request/request.ts';
import type { TestServer } from '../../wire/server.ts';

const PATIENCE_MS = 60_000;

/** Builds of one project by the API, without a client whose start would hide what happens in the first moments. */
export class BuildApi {
  readonly #server: TestServer;
  readonly #project: string;

  constructor(server: TestServer, project: string) {
    this.#server = server;
    this.#project = project;
  }

  async submit(request: BuildRequest): Promise<string> {
    return idOf(await this.call('POST', '', request));
  }

  async retry(id: string): Promise<string> {
    return idOf(await this.call('POST', `/${id}:retry`, {}));
  }

  build(id: string): Promise<Build> {
    return this.call('GET', `/${id}`) as Promise<Build>;
  }

  async ended(id: string): Promise<Build> {
    for (const until = Date.now() + PATIENCE_MS; ; await sleep(50)) {
      const build = await this.build(id);
      if (isFinal(build.status)) return build;
      if (Date.now() > until) throw new Error(`build is ${build.status}:\n${await this.log(id)}`);
    }
  }

  /** What is in the log so far, read from the data folder; empty before its first line. */
  log(id: string): Promise<string> {
    return readFile(join(this.#server.data, 'logs', `${id}.txt`), 'utf8').catch(() => '');
  }

  /** An archive of this folder in the project's bucket. */
  async upload(archive: string): Promise<NonNullable<BuildRequest['source']>> {
    const bucket = `${this.#project}_cloudbuild`;
    const headers = { authorization: `Bearer ${await this.#server.token()}` };
    const { url } = this.#server;
    await fetch(`${url}/storage/v1/b?project=${this.#project}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ name: bucket }),
    });
    const path = `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=source.tgz`;
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: await readFile(archive) });
    if (!answer.ok) throw new Error(`upload: ${answer.status} ${await answer.text()}`);
    return { storageSource: { bucket, object: 'source.tgz' } };
  }

  async call(method: string, path: string, body?: object): Promise<object> {
    const answer = await fetch(
      `${this.#server.url}/v1/projects/${this.#project}/locations/europe-central2/builds${path}`,
      {
        method,
        headers: { authorization: `Bearer ${await this.#server.token()}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as object;
  }
}

function idOf(operation: object): string {
  return (operation as { metadata: { build: Build } }).metadata.build.id;
}
