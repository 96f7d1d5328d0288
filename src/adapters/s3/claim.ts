import { Problem } from '../../lib/problem.ts';
import type { ObjectBucket } from './bucket.ts';

const KEY = 'slipway.json';

interface Claim {
  installation: string;
  since: string;
}

/**
 * Makes a prefix the place of one data folder. Two would take each other's objects for strays: what has no row here goes.
 * @param installation id of the data folder
 * @throws Problem `conflict` when another one has it, `unavailable`
 */
export async function claimPrefix(bucket: ObjectBucket, installation: string): Promise<void> {
  const found = claimOf(await bucket.getText(KEY));
  if (found?.installation === installation) return;
  if (found === undefined) {
    const claim: Claim = { installation, since: new Date().toISOString() };
    await bucket.putText(KEY, `${JSON.stringify(claim)}\n`);
    // of two who come at once the later one has it, and the earlier one sees that here
    const written = claimOf(await bucket.getText(KEY));
    if (written?.installation === installation) return;
  }
  throw new Problem('conflict', `${bucket.url} belongs to another data folder of Slipway${sinceOf(found)}`, {
    hint:
      'Each needs a prefix of its own, because it deletes what it does not know. If the other one is gone for good, ' +
      `delete the object ${KEY} below that prefix and start again.`,
  });
}

function sinceOf(claim: Claim | undefined): string {
  return claim?.since === undefined ? '' : `, since ${claim.since}`;
}

function claimOf(text: string | undefined): Claim | undefined {
  if (text === undefined) return undefined;
  try {
    const claim = JSON.parse(text) as Partial<Claim>;
    if (typeof claim.installation === 'string') return claim as Claim;
  } catch {
    // somebody else's file of that name is a claim all the same
  }
  return { installation: '', since: 'an unknown day' };
}
