import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { BuildEvent } from '../builds/notify/build-events.ts';
import { concerns } from '../builds/notify/build-listener.ts';
import { messageId, pubsubPushOf, webhookOf } from '../builds/notify/build-message.ts';
import type { Config } from '../config.ts';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import { postSigned, sendWebhook, webhookKey } from '../lib/webhook.ts';
import { FeedNotifier, type FeedReceiver } from '../stores/notify/feed-notifier.ts';
import type { Owner } from './owner.ts';

/** Tells those of slipway.yaml of what becomes of builds, until it is closed. */
export async function startBuildNotifications(owner: Owner): Promise<FeedNotifier<BuildEvent>> {
  const { buildEvents: feed, eventCursors: cursors } = owner;
  const receivers = (await Promise.all(owner.config.builds.notifications.map(receiverOf))).filter(
    (receiver) => receiver !== undefined,
  );
  // what was written for those who are no longer told
  if (receivers.length === 0) await feed.passed(await feed.latest());
  return new FeedNotifier({ feed, cursors, receivers });
}

type Notification = Config['builds']['notifications'][number];

/** @returns undefined when its secret can't be read: what can't be verified is not sent */
async function receiverOf(notification: Notification): Promise<FeedReceiver<BuildEvent> | undefined> {
  const { url, secretFile, topic } = notification;
  try {
    const key = secretFile === undefined ? undefined : webhookKey(await readFile(secretFile, 'utf8'));
    return {
      // a hash, because addresses may carry a password; an address may serve several topics
      name: `builds ${createHash('sha256')
        .update(`${url} ${topic ?? ''}`)
        .digest('hex')
        .slice(0, 16)}`,
      wants: ({ build }) => concerns(notification, build),
      send: (event, signal) =>
        topic === undefined
          ? sendWebhook(url, key, webhookOf(event), Date.now(), signal)
          : postSigned(url, key, messageId(event), pubsubPushOf(event, topic), Date.now(), signal),
    };
  } catch (error) {
    log.error({ error: messageOf(error) }, 'a notification of builds is left out: its secret cannot be read');
    return undefined;
  }
}
