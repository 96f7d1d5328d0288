import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gcloud } from '../../../src/builds/gcloud/gcloud.ts';
import { openNativeStep } from './native-step.ts';

let step: Awaited<ReturnType<typeof openNativeStep>>;
beforeEach(async () => {
  step = await openNativeStep();
  await step.bench.buckets.createBucket({ name: 'models', project: 'p1', location: 'EU' });
  await step.bench.buckets.createBucket({ name: 'foreign', project: 'p2', location: 'EU' });
  await step.put('dir/a.txt', 'first');
  await step.put('dir/sub/b.txt', 'second');
});
afterEach(() => step.close());

const run = (line: string) => step.run(gcloud, line.split(' '));

describe('gcloud storage', () => {
  it('copies down and up, in gcloud words', async () => {
    expect(await run('storage cp gs://models/dir/a.txt out.txt')).toEqual({
      code: 0,
      out: '',
      err: 'Copying gs://models/dir/a.txt to file://out.txt\n  \n\n',
    });
    expect(await step.read('out.txt')).toBe('first');
    const up = await run(
      'storage cp out.txt gs://models/up/ --content-type=text/html --custom-metadata=team=base --quiet',
    );
    expect(up.err).toBe('Copying file://out.txt to gs://models/up/out.txt\n  \n\n');
    expect(await step.bench.buckets.stat('models', 'up/out.txt')).toMatchObject({
      contentType: 'text/html',
      metadata: { team: 'base' },
    });
  });

  it.each<[string, string[]]>([
    ['storage cp -r gs://models/dir .', ['dir/a.txt', 'dir/sub/b.txt']],
    ['storage cp -R gs://models/dir new', ['new/a.txt', 'new/sub/b.txt']],
    ['storage cp gs://models/dir/*.txt .', ['a.txt']],
    ['--quiet --project p1 storage cp gs://models/dir/a.txt .', ['a.txt']],
    ['beta storage cp gs://models/dir/a.txt .', ['a.txt']],
    ['storage rsync -r gs://models/dir tree', ['tree/a.txt', 'tree/sub/b.txt']],
    ['storage rsync -r --exclude=sub/.* gs://models/dir tree', ['tree/a.txt']],
    ['storage rsync gs://models/dir tree', ['tree/a.txt']],
  ])('%s gives %j', async (line, expected) => {
    expect(await run(line)).toMatchObject({ code: 0, err: expect.stringMatching(/^Copying gs:/) });
    expect(await step.files()).toEqual(expected);
  });

  it('makes a bucket hold what the workspace holds', async () => {
    await step.write('site/a.txt', 'first');
    const dry = await run('storage rsync -r --delete-unmatched-destination-objects --dry-run site gs://models/dir');
    expect(dry.err).toBe('Would remove gs://models/dir/sub/b.txt\n');
    expect((await run('storage rsync -r --delete-unmatched-destination-objects site gs://models/dir')).err).toBe(
      'Removing gs://models/dir/sub/b.txt...\n',
    );
    expect(await step.objects()).toEqual(['dir/a.txt']);
  });

  it('lists', async () => {
    expect((await run('storage ls')).out).toBe('gs://models/\n');
    expect((await run('storage ls gs://models/')).out).toBe('gs://models/dir/\n');
    expect((await run('storage ls -r gs://models/')).out).toBe(
      'gs://models/:\n\ngs://models/dir/:\ngs://models/dir/a.txt\n\ngs://models/dir/sub/:\ngs://models/dir/sub/b.txt\n',
    );
    expect((await run('storage ls -l gs://models/dir/a.txt')).out).toMatch(
      /^ {9}5 {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}gs:\/\/models\/dir\/a\.txt\nTOTAL: 1 objects, 5 bytes \(5B\)\n$/,
    );
  });

  it('prints, describes, moves, removes', async () => {
    expect((await run('storage cat gs://models/dir/a.txt')).out).toBe('first');
    expect((await run('storage cat -r 1-2 gs://models/dir/a.txt')).out).toBe('ir');
    expect((await run('storage objects describe gs://models/dir/a.txt --format=value(size,name)')).out).toBe(
      '5\tdir/a.txt\n',
    );
    expect((await run('storage objects describe gs://models/dir/a.txt')).out).toMatch(
      /^bucket: models\ncontent_type: application\/octet-stream\ncrc32c_hash: .*\ngeneration: '\d+'\n.*\nsize: 5\n/s,
    );
    expect((await run('storage mv gs://models/dir/a.txt gs://models/moved.txt')).code).toBe(0);
    expect(await step.objects()).toEqual(['dir/sub/b.txt', 'moved.txt']);
    expect((await run('storage rm gs://models/moved.txt')).err).toBe(
      'Removing objects:\nRemoving gs://models/moved.txt...\n',
    );
    await run('storage rm -r gs://models');
    expect(await step.bench.buckets.bucket('models')).toBeUndefined();
  });

  it('makes and removes buckets of its project', async () => {
    expect((await run('storage buckets create gs://newb --location=europe-central2')).err).toBe(
      'Creating gs://newb/...\n',
    );
    expect((await run('storage buckets list --format=value(name)')).out).toBe('models\nnewb\n');
    expect((await run('storage buckets describe gs://newb --format=json')).out).toContain(
      '"location": "EUROPE-CENTRAL2"',
    );
    expect((await run('storage buckets delete gs://newb')).code).toBe(0);
    expect((await run('storage buckets delete gs://newb')).code).toBe(1);
  });

  it.each([
    [
      'storage cp gs://models/none .',
      1,
      'ERROR: (gcloud.storage.cp) The following URLs matched no objects or files:\ngs://models/none\n',
    ],
    [
      'storage rm gs://models/none',
      1,
      'ERROR: (gcloud.storage.rm) The following URLs matched no objects or files:\ngs://models/none\n',
    ],
    ['storage ls gs://models/none', 1, 'ERROR: (gcloud.storage.ls) One or more URLs matched no objects.\n'],
    [
      'storage cp gs://models/** file.txt',
      1,
      /Destination URL must name an existing directory\. Provided: file\.txt\.\n$/,
    ],
    [
      'storage cp gs://foreign/x .',
      1,
      /^ERROR: \(gcloud\.storage\.cp\) bucket gs:\/\/foreign belongs to another project/,
    ],
    ['storage cp a', 2, /^ERROR: \(gcloud\.storage\.cp\) argument/],
    ['storage ls --project=p2', 1, /this build runs in project p1/],
  ])('%s says what is wrong', async (line, code, expected) => {
    const result = await run(line);
    expect(result).toMatchObject({
      code,
      err: typeof expected === 'string' ? expected : expect.stringMatching(expected),
    });
  });
});

describe('gcloud beside it', () => {
  it('keeps properties for the steps that follow', async () => {
    expect((await run('config get-value project')).out).toBe('p1\n');
    expect((await run('config set project other')).err).toBe('Updated property [core/project].\n');
    await run('config set compute/zone europe-central2-a');
    await run('config set project third');
    expect(await step.readHome('.config/gcloud/configurations/config_default')).toBe(
      '[core]\nproject = third\n[compute]\nzone = europe-central2-a\n',
    );
    expect((await run('config get project')).out).toBe('third\n');
  });

  it('adds tags between registries', async () => {
    const copied: string[][] = [];
    const engine = {
      ...step.bench.deps.engine,
      copy: async (source: string, target: string) => {
        copied.push([source, target]);
        return {} as never;
      },
    };
    const line =
      'artifacts docker tags add europe-central2-docker.pkg.dev/p1/r/a:1 europe-central2-docker.pkg.dev/p1/r/a:2';
    expect((await step.run(gcloud, line.split(' '), { engine })).err).toBe(
      'Added tag [europe-central2-docker.pkg.dev/p1/r/a:2] to image [europe-central2-docker.pkg.dev/p1/r/a:1].\n',
    );
    await step.run(gcloud, ['container', 'images', 'add-tag', 'gcr.io/p1/a:1', 'gcr.io/p1/a:2', '-q'], { engine });
    expect(copied).toHaveLength(2);
  });
});
