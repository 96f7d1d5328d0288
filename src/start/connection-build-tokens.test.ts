import { expect, it } from 'vitest';
import { tokensOfConnection } from './connection-build-tokens.ts';

it('ends what a process that went had not given back, and nothing else', async () => {
  const gone = new AbortController();
  const dropped: string[] = [];
  const revoked: string[] = [];
  let count = 0;
  const all = {
    issue: async () => ({ id: `t${++count}`, secret: 's' }),
    revoke: async (id: string) => void revoked.push(id),
  };
  const tokens = tokensOfConnection(all, gone.signal, async (build) => void dropped.push(build));
  const { id } = await tokens.issue('ended', 'p');
  await tokens.issue('killed', 'p');
  await tokens.revoke(id);
  gone.abort();
  await tokens.issue('too late', 'p');
  expect({ dropped, revoked }).toEqual({ dropped: ['killed', 'too late'], revoked: ['t1'] });
});
