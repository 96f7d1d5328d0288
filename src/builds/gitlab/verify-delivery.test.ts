import { expect, it } from 'vitest';
import { signature } from '../../lib/webhook.ts';
import { comesFromGitLab, deliveryKey, sameSecret } from './verify-delivery.ts';

const BODY = Buffer.from('{"object_kind":"push"}');
const NOW = 1_800_000_000_000;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const signed = (body = BODY, seconds = NOW / 1000, id = 'm1') => ({
  'webhook-id': id,
  'webhook-timestamp': String(seconds),
  'webhook-signature': signature(Buffer.from(SECRET.slice(6), 'base64'), id, seconds, body.toString()),
});

it('knows the secret of X-Gitlab-Token', () => {
  expect(comesFromGitLab({ 'x-gitlab-token': 's3' }, BODY, 's3', NOW)).toBe(true);
  expect(comesFromGitLab({ 'x-gitlab-token': 's' }, BODY, 's3', NOW)).toBe(false);
  expect(comesFromGitLab({}, BODY, 's3', NOW)).toBe(false);
  expect(comesFromGitLab({ 'x-gitlab-token': '' }, BODY, '', NOW)).toBe(false);
});

it('knows a signature over id, time and body, for five minutes', () => {
  expect(comesFromGitLab(signed(), BODY, SECRET, NOW + 299_000)).toBe(true);
  const { 'webhook-signature': right, ...rest } = signed();
  expect(comesFromGitLab({ ...rest, 'webhook-signature': `v1,bad ${right}` }, BODY, SECRET, NOW)).toBe(true);
  expect(comesFromGitLab(signed(), BODY, SECRET, NOW + 301_000)).toBe(false);
  expect(comesFromGitLab(signed(), BODY, SECRET, NOW - 301_000)).toBe(false);
  expect(comesFromGitLab(signed(), Buffer.from('{}'), SECRET, NOW)).toBe(false);
  expect(comesFromGitLab({ ...signed(), 'webhook-id': 'm2' }, BODY, SECRET, NOW)).toBe(false);
  expect(comesFromGitLab({ ...signed(), 'webhook-timestamp': 'x' }, BODY, SECRET, NOW)).toBe(false);
  // a wrong signature is not made good by a token
  expect(comesFromGitLab({ 'webhook-signature': 'v1,x', 'x-gitlab-token': SECRET }, BODY, SECRET, NOW)).toBe(false);
});

it('compares texts of any length', () => {
  expect(sameSecret('a', 'a')).toBe(true);
  expect(sameSecret('a', 'ab')).toBe(false);
  expect(sameSecret('', '')).toBe(false);
});

it('tells a repetition by what the sender says, else by the body', () => {
  const other = Buffer.from('{}');
  expect(deliveryKey({ 'idempotency-key': 'k' }, BODY)).toEqual(deliveryKey({ 'idempotency-key': 'k' }, other));
  expect(deliveryKey(signed(), BODY).key).toBe('id m1');
  const event = { 'x-gitlab-event-uuid': 'u' };
  expect(deliveryKey(event, BODY)).not.toEqual(deliveryKey(event, other));
  expect(deliveryKey({}, BODY)).toEqual(deliveryKey({}, Buffer.from(BODY)));
  expect(deliveryKey({}, BODY).window).toBeLessThan(deliveryKey(event, BODY).window);
});
