import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Build } from '../../../src/builds/build.ts';
import type { TriggerEvent } from '../../../src/builds/triggers/trigger-events.ts';
import type { TestServer } from '../../wire/server.ts';

export const PARENT = 'projects/demo/locations/eu';

/** The REST calls of triggers, with the owner's token. */
export class TriggerClient {
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  /** @returns status and JSON */
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
    const answer = await fetch(`${this.#server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.#server.token()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  }

  async ok(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const { status, json } = await this.ask(method, path, body);
    expect({ status, json }).toMatchObject({ status: 200 });
    return json;
  }

  async secret(name: string, value: string): Promise<void> {
    await this.ok('POST', `/v1/projects/demo/secrets?secretId=${name}`, { replication: { automatic: {} } });
    const payload = { data: Buffer.from(value).toString('base64') };
    await this.ok('POST', `/v1/projects/demo/secrets/${name}:addVersion`, { payload });
  }

  trigger(trigger: object): Promise<Record<string, unknown>> {
    return this.ok('POST', `/v1/${PARENT}/triggers`, trigger);
  }

  async events(trigger?: string): Promise<TriggerEvent[]> {
    const { events } = await this.ok(
      'GET',
      `/v1/${PARENT}/triggerEvents${trigger === undefined ? '' : `?trigger=${trigger}`}`,
    );
    return events as TriggerEvent[];
  }

  async build(id: string): Promise<Build> {
    return (await this.ok('GET', `/v1/${PARENT}/builds/${id}`)) as unknown as Build;
  }

  async ended(id: string): Promise<Build> {
    await expect
      .poll(async () => (await this.build(id)).status, { timeout: 120_000, interval: 100 })
      .not.toMatch(/QUEUED|WORKING/);
    return this.build(id);
  }

  /** As GitLab calls a hook. @returns what was made of it by trigger */
  async hook(url: string, token: string, payload: object, headers: Record<string, string> = {}) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-gitlab-token': token,
        'idempotency-key': randomUUID(),
        ...headers,
      },
      body: JSON.stringify(payload),
    });
    return { status: answer.status, json: (await answer.json()) as Receipt };
  }
}

export interface Receipt {
  state: string;
  outcomes?: { trigger: string; outcome: string; reason?: string; build?: string }[];
}
