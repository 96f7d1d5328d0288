import { createHmac } from 'node:crypto';
import { messageOf, Problem } from './problem.ts';

export interface WebhookMessage {
  /** The same for every try, so that a receiver can drop what it has had. */
  id: string;
  /** In the past tense of the domain: `registry.push`. */
  type: string;
  /** Milliseconds since 1970: when it happened. */
  at: number;
  data: object;
}

/** Time for a receiver to answer; what takes longer it should do afterwards. */
const TIMEOUT_MS = 15_000;

/**
 * Sends one message as the Standard Webhooks specification has it: a POST of `{type, timestamp, data}`, with `webhook-id`,
 * `webhook-timestamp`, and `webhook-signature`, an HMAC-SHA256 of all three. Any answer of 2xx is success; redirects are
 * not followed, because they would take the message to somebody who was not named.
 * @param secret bytes of the shared key; without one nothing is signed
 * @throws Problem `unavailable` with what the receiver answered
 */
export async function sendWebhook(
  url: string,
  secret: Uint8Array | undefined,
  message: WebhookMessage,
  now: number,
  signal?: AbortSignal,
): Promise<void> {
  const { id, type, at, data } = message;
  return postSigned(url, secret, id, { type, timestamp: new Date(at).toISOString(), data }, now, signal);
}

/**
 * Sends any JSON with the headers of Standard Webhooks, for receivers that expect another body.
 * @throws Problem as `sendWebhook`
 */
export async function postSigned(
  url: string,
  secret: Uint8Array | undefined,
  id: string,
  content: object,
  now: number,
  signal?: AbortSignal,
): Promise<void> {
  const body = JSON.stringify(content);
  const timestamp = Math.floor(now / 1000);
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        ...(secret === undefined ? {} : { 'webhook-signature': signature(secret, id, timestamp, body) }),
      },
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Problem('unavailable', `the webhook at ${host} can't be reached: ${messageOf(cause)}`, { cause: error });
  }
  await response.body?.cancel();
  if (!response.ok) throw new Problem('unavailable', `the webhook at ${host} answered ${response.status}`);
}

/** `v1,` and the code of `ID.TIMESTAMP.BODY` in base64 (Standard Webhooks, "Signature scheme"). */
export function signature(secret: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** A key as receivers are given it: `whsec_` and base64, or any other text as it is. */
export function webhookKey(text: string): Buffer {
  const trimmed = text.trim();
  return trimmed.startsWith('whsec_')
    ? Buffer.from(trimmed.slice('whsec_'.length), 'base64')
    : Buffer.from(trimmed, 'utf8');
}
