import type { WebhookMessage } from '../../lib/webhook.ts';
import type { BuildEvent } from './build-events.ts';

/** A transition as the webhooks of the registry tell theirs: `build.working`, and the build as the API has it. */
export function webhookOf(event: BuildEvent): WebhookMessage {
  const { at, build } = event;
  return { id: messageId(event), type: `build.${build.status.toLowerCase()}`, at, data: build };
}

/** The same for every try, and told apart by what it says: a build comes into a status once. */
export function messageId({ build }: BuildEvent): string {
  return `build-${build.id}-${build.status.toLowerCase()}`;
}

/** What a push subscription of Pub/Sub delivers of Cloud Build's messages: the Build in base64, its id and status beside it. */
export interface PubsubPush {
  message: {
    attributes: { buildId: string; status: string };
    data: string;
    messageId: string;
    message_id: string;
    publishTime: string;
    publish_time: string;
  };
  subscription: string;
}

/** @param topic `projects/P/topics/T` */
export function pubsubPushOf(event: BuildEvent, topic: string): PubsubPush {
  const { id, at, build } = event;
  const messageId = String(id);
  const publishTime = new Date(at).toISOString();
  return {
    message: {
      attributes: { buildId: build.id, status: build.status },
      data: Buffer.from(JSON.stringify(build)).toString('base64'),
      messageId,
      message_id: messageId,
      publishTime,
      publish_time: publishTime,
    },
    subscription: topic.replace('/topics/', '/subscriptions/'),
  };
}
