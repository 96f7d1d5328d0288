import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseGrantScope } from '../auth/grant-scope.ts';
import { type Identity, may } from '../auth/identity.ts';
import type { Config } from '../config.ts';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import { sendWebhook, webhookKey } from '../lib/webhook.ts';
import { EventNotifier, type EventReceiver } from '../stores/notify/notifier.ts';
import type { RegistryEvent } from '../stores/registry/events.ts';
import type { Owner } from './owner.ts';

/** Sends the registry's events to the webhooks of slipway.yaml until it is closed. */
export async function startWebhooks(owner: Owner): Promise<EventNotifier> {
  const receivers = await Promise.all(owner.config.webhooks.map(receiverOf));
  return new EventNotifier({
    events: owner.stores.registry,
    cursors: owner.eventCursors,
    receivers: receivers.filter((receiver) => receiver !== undefined),
  });
}

type Webhook = Config['webhooks'][number];

/** @returns undefined when its secret can't be read: what can't be verified is not sent */
async function receiverOf({ url, secretFile, actions, repositories }: Webhook): Promise<EventReceiver | undefined> {
  try {
    const key = secretFile === undefined ? undefined : webhookKey(await readFile(secretFile, 'utf8'));
    const grants = repositories.map((scope) => ({ role: 'reader' as const, ...parseGrantScope(scope) }));
    return {
      // a hash, because addresses of webhooks may carry a password
      name: `webhook ${createHash('sha256').update(url).digest('hex').slice(0, 16)}`,
      actions,
      wants: (event) => concerns(event, { kind: 'token', name: 'webhook', grants }),
      send: (message, signal) => sendWebhook(url, key, message, Date.now(), signal),
    };
  } catch (error) {
    log.error({ error: messageOf(error) }, 'a webhook is left out: its secret or its repositories cannot be read');
    return undefined;
  }
}

/** A webhook hears of what a reader of its repositories could see. */
function concerns({ repository: key }: RegistryEvent, reader: Identity): boolean {
  const [, project = '', repository, ...image] = key.split('/');
  return may(reader, 'reader', project, repository, image.length === 0 ? undefined : image.join('/'));
}
