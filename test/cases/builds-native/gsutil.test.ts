import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gsutil } from '../../../src/builds/gsutil/gsutil.ts';
import { openNativeStep } from './native-step.ts';

let step: Awaited<ReturnType<typeof openNativeStep>>;
beforeEach(async () => {
  step = await openNativeStep();
  await step.bench.buckets.createBucket({ name: 'models', project: 'p1', location: 'EU' });
  await step.put('a.txt', 'first');
  await step.put('b.txt', 'second');
});
afterEach(() => step.close());

const run = (...args: string[]) => step.run(gsutil, args);

describe('the gsutil builder', () => {
  it('uploads with the headers that are asked for', async () => {
    await step.write('page', '<p>');
    const { err } = await run(
      '-h',
      'Content-Type:text/html',
      '-h',
      'Cache-Control:no-store',
      '-h',
      'x-goog-meta-team:base',
      'cp',
      '-a',
      'public-read',
      'page',
      'gs://models/',
    );
    expect(err).toContain('WARNING: -a public-read has no effect');
    expect(err).toContain('Copying file://page [Content-Type=text/html]...');
    expect(await step.bench.buckets.stat('models', 'page')).toMatchObject({
      contentType: 'text/html',
      metadata: { team: 'base' },
    });
    await run(
      'setmeta',
      '-h',
      'Content-Type:text/plain',
      '-h',
      'x-goog-meta-team:',
      '-h',
      'x-goog-meta-a:1',
      'gs://models/page',
    );
    expect(await step.bench.buckets.stat('models', 'page')).toMatchObject({
      contentType: 'text/plain',
      metadata: { a: '1' },
    });
  });

  it('leaves out of rsync what a pattern finds, and crawls over none', async () => {
    for (const name of ['.git/config', 'src/a.ts', 'src/a.log']) await step.write(name, name);
    await run('-m', 'rsync', '-r', '-x', '\\.git/.*|.*\\.log$', '.', 'gs://models/tree');
    expect(await step.objects()).toEqual(['a.txt', 'b.txt', 'tree/src/a.ts']);
    await step.write('a'.repeat(60), '');
    const started = performance.now();
    await run('rsync', '-x', '(a+)+$x', '.', 'gs://models/tree');
    expect(performance.now() - started).toBeLessThan(2000);
    expect((await run('rsync', '-x', '(', '.', 'gs://models/tree')).err).toMatch(
      /^CommandException: Invalid exclude filter|Building/,
    );
  });

  it('makes, fills and removes buckets', async () => {
    expect(await run('mb', '-l', 'europe-central2', '-p', 'p1', 'gs://fresh')).toEqual({
      code: 0,
      out: '',
      err: 'Creating gs://fresh/...\n',
    });
    expect((await run('mb', '-p', 'p2', 'gs://fresh2')).err).toMatch(/makes buckets there alone/);
    expect((await run('mb', 'gs://fresh')).code).toBe(1);
    await run('cp', 'gs://models/a.txt', 'gs://fresh/x');
    expect((await run('rb', 'gs://fresh')).code).toBe(1);
    expect((await run('rm', '-r', 'gs://fresh')).err).toBe('Removing gs://fresh/x...\nRemoving gs://fresh/...\n');
    expect(await step.bench.buckets.bucket('fresh')).toBeUndefined();
  });

  it('measures, sums and joins', async () => {
    await step.write('a.txt', 'first');
    expect((await run('hash', 'a.txt')).out).toMatch(
      /^Hashes \[base64\] for a\.txt:\n\tHash \(crc32c\):\t\t\S+\n\tHash \(md5\):\t\t\S+\n$/,
    );
    expect((await run('hash', 'a.txt')).out.split('\n').slice(1)).toEqual(
      (await run('hash', 'gs://models/a.txt')).out.split('\n').slice(1),
    );
    expect((await run('du', 'gs://models')).out).toBe(
      '5            gs://models/a.txt\n6            gs://models/b.txt\n',
    );
    expect((await run('du', '-sc', 'gs://models/')).out).toBe('11           gs://models\n11           total\n');
    expect((await run('compose', 'gs://models/a.txt', 'gs://models/b.txt', 'gs://models/c')).err).toBe(
      'Composing gs://models/c from 2 component object(s).\n',
    );
    expect((await run('cat', 'gs://models/c')).out).toBe('firstsecond');
    expect((await run('cat', '-r', '3-6', 'gs://models/c')).out).toBe('stse');
    expect((await run('cat', '-r', '-3', 'gs://models/c')).out).toBe('ond');
  });

  it.each(['acl', 'iam', 'cors', 'web', 'lifecycle', 'notification'])('says that there is no %s here', async (name) => {
    expect(await run(name, 'get', 'gs://models')).toMatchObject({
      code: 1,
      err: expect.stringMatching(new RegExp(`^CommandException: gsutil ${name}: `)),
    });
  });
});
