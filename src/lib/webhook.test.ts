import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { sendWebhook, signature, webhookKey } from './webhook.ts';

let close: (() => void) | undefined;
afterEach(() => close?.());

async function receiver(status: number): Promise<{ url: string; got: { request: IncomingMessage; body: string }[] }> {
  const got: { request: IncomingMessage; body: string }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push({ request, body });
      response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end('thanks');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => server.close();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

const MESSAGE = { id: 'evt-7', type: 'registry.push', at: Date.parse('2026-09-30T10:00:00Z'), data: { tag: '1.0' } };

it('signs as other implementations of Standard Webhooks do', () => {
  const key = webhookKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  expect(signature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

it('sends what can be verified with the headers alone', async () => {
  const { url, got } = await receiver(204);
  await sendWebhook(url, webhookKey('between us'), MESSAGE, 1_790_000_000_999);
  const [{ request, body } = { request: undefined, body: '' }] = got;
  expect(JSON.parse(body)).toEqual({
    type: 'registry.push',
    timestamp: '2026-09-30T10:00:00.000Z',
    data: { tag: '1.0' },
  });
  expect(request?.headers).toMatchObject({ 'webhook-id': 'evt-7', 'webhook-timestamp': '1790000000' });
  expect(request?.headers['webhook-signature']).toBe(signature(Buffer.from('between us'), 'evt-7', 1790000000, body));
});

it.each([500, 404, 302])('takes %i for no', async (status) => {
  const { url, got } = await receiver(status);
  await expect(sendWebhook(url, undefined, MESSAGE, 0)).rejects.toThrow(`answered ${status}`);
  expect(got).toHaveLength(1);
});

it('says that nobody is there', async () => {
  await expect(sendWebhook('http://127.0.0.1:1/', undefined, MESSAGE, 0)).rejects.toThrow(
    "the webhook at 127.0.0.1:1 can't be reached",
  );
});
