import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskContent } from '../../src/adapters/disk/disk-content.ts';
import { logBucketName } from '../../src/adapters/disk/log-bucket-name.ts';
import { LogFiles } from '../../src/adapters/disk/log-files.ts';
import { SqliteBuckets } from '../../src/adapters/sqlite/buckets.ts';
import { sqliteBlobRows } from '../../src/adapters/sqlite/content.ts';
import { digestOf } from '../../src/images/digest.ts';
import type { BucketManager, BucketObject } from '../../src/stores/buckets/buckets.ts';
import { ContentBuckets } from '../../src/stores/buckets/content-buckets.ts';
import { logObjectName } from '../../src/stores/buckets/log-objects.ts';
import { withLogBucket } from '../../src/stores/buckets/with-log-bucket.ts';
import { type OwnedRows, ownRows } from './owned-rows.ts';

const NAME = logObjectName('b-1');

describe('the log bucket', () => {
  let owned: OwnedRows<SqliteBuckets>;
  let logs: LogFiles;
  let logBucket: string;
  let buckets: BucketManager;

  beforeEach(async () => {
    owned = await ownRows((database) => new SqliteBuckets(database));
    const content = new DiskContent({ folder: owned.folder.content, rows: sqliteBlobRows(owned.database) });
    logs = new LogFiles(owned.folder.logs);
    logBucket = await logBucketName(owned.folder.root);
    buckets = withLogBucket(new ContentBuckets(owned.rows, content), logs, logBucket);
    await buckets.createBucket({ name: 'models', project: 'demo', location: 'us' });
  });
  afterEach(() => owned.close());

  it('has a name that stays, and that nobody guesses', async () => {
    expect(await logBucketName(owned.folder.root)).toBe(logBucket);
    expect(logBucket).toMatch(/^slipway-logs-[0-9a-f]{24}$/);
    expect(await logBucketName(join(owned.folder.root, 'run'))).not.toBe(logBucket);
  });

  it('shows a growing log with the checksums of what is readable', async () => {
    expect(await buckets.stat(logBucket, NAME)).toBeUndefined();
    const writer = logs.writer('b-1');
    for (const line of ['starting build\n', 'FETCHSOURCE\n', 'half a li']) {
      writer.append(line);
      await new Promise(setImmediate);
    }
    const running = await buckets.stat(logBucket, NAME);
    expect(running).toMatchObject({ size: 27, digest: digestOf('starting build\nFETCHSOURCE\n') });
    await writer.close();
    const whole = await buckets.stat(logBucket, NAME);
    expect(whole).toMatchObject({ size: 37, digest: digestOf('starting build\nFETCHSOURCE\nhalf a li\n') });
    expect(whole?.generation).toBe(running?.generation);
    const fresh = withLogBucket(buckets, logs, logBucket);
    expect(await fresh.stat(logBucket, NAME)).toEqual(whole);
    expect(await text(whole as BucketObject, { start: 15, end: 25 })).toBe('FETCHSOURCE');
    expect(await buckets.stat(logBucket, 'log-../token.txt')).toBeUndefined();
  });

  it('can be copied from, and not written to', async () => {
    await logs.writer('b-1').close();
    const log = (await buckets.stat(logBucket, NAME)) as BucketObject;
    expect(await buckets.copy(log, 'models', 'kept.txt')).toMatchObject({ size: log.size, crc32c: log.crc32c });
    const source = (async function* () {
      yield Buffer.from('x');
    })();
    await expect(buckets.put(logBucket, NAME, source)).rejects.toMatchObject({ code: 'denied' });
    await expect(buckets.remove(logBucket, NAME)).rejects.toMatchObject({ code: 'denied' });
    await expect(buckets.removeBucket(logBucket)).rejects.toMatchObject({ code: 'denied' });
    expect(await buckets.list(logBucket, { limit: 10 })).toEqual({ objects: [], prefixes: [] });
    expect((await buckets.buckets('demo')).map((bucket) => bucket.name)).toEqual(['models']);
  });

  async function text(object: BucketObject, range?: { start: number; end: number }): Promise<string> {
    let all = '';
    for await (const chunk of await buckets.open(object, range)) all += chunk;
    return all;
  }
});
