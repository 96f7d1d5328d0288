import { expect, it } from 'vitest';
import { upstreamLine } from './upstream-line.ts';

const state = { repository: 'l/p/hub', host: 'docker.io', url: 'https://registry-1.docker.io', username: '' };

it('says what is left of the pulls, for whom, and whether the upstream answers', () => {
  const now = 10_000_000;
  const quota = {
    ...{ host: 'docker.io', username: '', limit: 100, remaining: 93, window: 21_600 },
    ...{ source: '203.0.113.7', seenAt: now - 240_000 },
  };
  expect(upstreamLine(state, now)).toBe('docker.io counts no pulls');
  expect(upstreamLine({ ...state, quota }, now)).toBe(
    'docker.io 93 of 100 pulls per 6 h 0 min left for 203.0.113.7, as of 4 min ago',
  );
  expect(upstreamLine({ ...state, failure: { message: 'toomanyrequests', since: now - 60_000 } }, now)).toBe(
    "docker.io can't be asked since 1 min ago (toomanyrequests); what is kept is served",
  );
});
