import { FailureBrake } from '../../auth/failure-brake.ts';
import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { GitLabConnections } from '../gitlab/gitlab-connections.ts';
import { readGitLabEvent } from '../gitlab/read-event.ts';
import { comesFromGitLab, deliveryKey, sameSecret, type WebhookHeaders } from '../gitlab/verify-delivery.ts';
import type { ConnectionStore } from './connection.ts';
import type { DeliveryQueue, Receipt } from './delivery-queue.ts';
import { sourceOfTrigger, type TriggerPlace, type TriggerStore } from './triggers.ts';

export interface ReceiveDeps {
  triggers: TriggerStore;
  connections: ConnectionStore;
  gitlab: GitLabConnections;
  queue: Pick<DeliveryQueue, 'accept'>;
  clock: Clock;
}

/** Every look at a secret is a line of its audit trail, which nobody outside shall fill. Milliseconds. */
const REMEMBERED_MS = 5_000;
/** The same for whoever shows something else: guesses would push what the trail has to tell out of it. */
const REMEMBERED_FOR_GUESSES_MS = 60_000;

/**
 * Deliveries from outside, whose senders have no token: what they know is the secret of one trigger or connection. Whoever
 * doesn't gets one answer, whatever is wrong, and gets it late when they try again and again.
 */
export class WebhookReceiver {
  readonly #deps: ReceiveDeps;
  readonly #brake: FailureBrake;
  readonly #values = new Map<string, { value: string; at: number }>();

  constructor(deps: ReceiveDeps) {
    this.#deps = deps;
    this.#brake = new FailureBrake(deps.clock);
  }

  /** A call of a webhook trigger. @throws Problem `denied`, `invalid`, `exhausted` */
  async webhook(
    place: TriggerPlace,
    idOrName: string,
    secret: string,
    headers: WebhookHeaders,
    body: Buffer,
  ): Promise<Receipt> {
    const record = await this.#deps.triggers.get(place, idOrName);
    const name = record?.trigger.webhookConfig?.secret;
    const right =
      record === undefined || name === undefined
        ? ''
        : await this.#valueOf(name, record.project, `trigger:${record.trigger.id}`, (value) =>
            sameSecret(secret, value),
          );
    if (record === undefined || !sameSecret(secret, right)) throw await this.#refusal();
    return this.#accept('webhook', sourceOfTrigger(record), headers, body);
  }

  /** An event of GitLab. @param key tells which connection is meant. @throws Problem as `webhook` */
  async gitlab(place: TriggerPlace, key: string, headers: WebhookHeaders, body: Buffer): Promise<Receipt> {
    const record = await this.#deps.connections.byWebhookKey(key);
    const meant = record?.project === place.project && record.location === place.location ? record : undefined;
    const { connection } = meant ?? {};
    const { clock } = this.#deps;
    const isRight = (value: string) => value !== '' && comesFromGitLab(headers, body, value, clock.now());
    const right =
      meant === undefined
        ? ''
        : await this.#valueOf(
            meant.connection.gitlabConfig.webhookSecretSecretVersion,
            meant.project,
            `connection:${meant.connection.name}`,
            isRight,
          );
    if (connection === undefined || !isRight(right)) throw await this.#refusal();
    if (connection.disabled) throw new Problem('denied', `connection ${connection.name} is disabled`);
    // what can't be read is the sender's to mend, and told to the sender alone
    readGitLabEvent(JSON.parse(jsonOf(body)));
    return this.#accept('gitlab', connection.name, headers, body);
  }

  async #accept(kind: 'webhook' | 'gitlab', source: string, headers: WebhookHeaders, body: Buffer): Promise<Receipt> {
    const at = this.#deps.clock.now();
    return this.#deps.queue.accept({ source, ...deliveryKey(headers, body), at, kind, body: jsonOf(body) });
  }

  /**
   * Empty when it can't be had: what can't be compared is not let in, and the reason is nobody's outside.
   * @param isShown whether the sender knows this value
   */
  async #valueOf(name: string, project: string, actor: string, isShown: (value: string) => boolean): Promise<string> {
    const now = this.#deps.clock.now();
    const key = `${project} ${name}`;
    const known = this.#values.get(key);
    if (known !== undefined) {
      const age = Math.abs(now - known.at);
      if (age < REMEMBERED_MS || (age < REMEMBERED_FOR_GUESSES_MS && !isShown(known.value))) return known.value;
    }
    const value = await this.#deps.gitlab.secret(name, project, actor).catch((error: unknown) => {
      if (error instanceof Problem) return '';
      throw error;
    });
    this.#values.set(key, { value, at: now });
    return value;
  }

  async #refusal(): Promise<Problem> {
    await this.#brake.failed();
    return new Problem('denied', 'The caller does not have permission', {
      hint: 'Is the secret the one that the trigger or connection names, and is its version enabled?',
    });
  }
}

/** @throws Problem `invalid` */
function jsonOf(body: Buffer): string {
  const text = body.length === 0 ? '{}' : body.toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new Problem('invalid', 'Invalid JSON payload received. The body is not JSON.', {
      hint: 'Send content-type: application/json; of GitLab and GitHub it is a setting of the hook.',
    });
  }
}
