import { createHash, timingSafeEqual } from 'node:crypto';
import { signature, webhookKey } from '../../lib/webhook.ts';

export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A signature proves nothing about a message that is older, or from a clock that is so far ahead. */
const TOLERANCE_MS = 5 * 60 * 1000;

/**
 * Whether a delivery comes from whoever knows the secret: by GitLab's signature over id, time and body (Standard Webhooks)
 * where it sends one, else by the secret itself in X-Gitlab-Token.
 */
export function comesFromGitLab(headers: WebhookHeaders, body: Buffer, secret: string, now: number): boolean {
  const signed = one(headers, 'webhook-signature');
  if (signed === undefined) return sameSecret(one(headers, 'x-gitlab-token') ?? '', secret);
  const id = one(headers, 'webhook-id') ?? '';
  const seconds = Number(one(headers, 'webhook-timestamp'));
  if (!Number.isInteger(seconds) || Math.abs(now - seconds * 1000) > TOLERANCE_MS) return false;
  const right = signature(webhookKey(secret), id, seconds, body.toString('utf8'));
  return signed.split(' ').some((each) => sameSecret(each, right));
}

/** In a time that tells nothing of where they differ, nor how long the right one is. */
export function sameSecret(given: string, right: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(right)) && right !== '';
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
/** Whoever gives no id sends the same text twice on purpose, too; a retry comes within seconds. */
const SAME_BODY_MS = 30_000;

/** By which a repetition is known: what the sender says, else the body within half a minute. */
export function deliveryKey(headers: WebhookHeaders, body: Buffer): { key: string; window: number } {
  const text = createHash('sha256').update(body).digest('base64url');
  const id = one(headers, 'webhook-id') ?? one(headers, 'idempotency-key') ?? one(headers, 'x-github-delivery');
  if (id !== undefined && id !== '') return { key: `id ${id.slice(0, 200)}`, window: WEEK_MS };
  // GitLab gives an event that another one caused the same number
  const event = one(headers, 'x-gitlab-event-uuid');
  if (event !== undefined) return { key: `event ${event.slice(0, 200)} ${text}`, window: WEEK_MS };
  return { key: `body ${text}`, window: SAME_BODY_MS };
}

function one(headers: WebhookHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
