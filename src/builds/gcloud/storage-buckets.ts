import type { GsutilSession } from '../gsutil/session.ts';
import { parsePlace } from '../gsutil/urls.ts';
import { flagsOf, type GcloudCommand, GcloudError } from './command.ts';
import { formatFields, isKnownFormat } from './format.ts';

export const create: GcloudCommand = {
  flags: [
    ...flagsOf(
      'value',
      ['location', 'l'],
      ['default-storage-class', 'c'],
      'placement',
      'soft-delete-duration',
      'recovery-point-objective',
    ),
    ...flagsOf(
      'switch',
      ['uniform-bucket-level-access', 'b'],
      'no-uniform-bucket-level-access',
      'public-access-prevention',
      'no-public-access-prevention',
    ),
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(flags, session) {
    const { project } = session.caller;
    for (const url of flags.args) {
      const name = bucketName(url);
      session.err(`Creating gs://${name}/...`);
      await session.buckets.createBucket({ name, project, location: (flags.one('location') ?? 'US').toUpperCase() });
    }
    return 0;
  },
};

export const remove: GcloudCommand = {
  flags: flagsOf('switch', ['continue-on-error', 'c']),
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(flags, session) {
    for (const url of flags.args) {
      const name = bucketName(url);
      session.err(`Removing gs://${name}/...`);
      if (!(await session.buckets.removeBucket(name))) throw new GcloudError(`gs://${name} not found: 404.`);
    }
    return 0;
  },
};

export const describe: GcloudCommand = {
  flags: flagsOf('value', 'format'),
  args: { min: 1, max: 1 },
  beyond: (flags) => !isKnownFormat(flags.one('format')),
  async run(flags, session) {
    const name = bucketName(flags.args[0] ?? '');
    const bucket = await session.buckets.bucket(name);
    if (bucket === undefined) throw new GcloudError(`gs://${name} not found: 404.`);
    for (const line of formatFields(fieldsOf(bucket), flags.one('format'))) session.out(line);
    return 0;
  },
};

export const list: GcloudCommand = {
  flags: flagsOf('value', 'format'),
  args: { min: 0, max: 0 },
  beyond: (flags) => !/^value\(/.test(flags.one('format') ?? '') || !isKnownFormat(flags.one('format')),
  async run(flags, session) {
    for (const bucket of await session.buckets.buckets(session.caller.project))
      for (const line of formatFields(fieldsOf(bucket), flags.one('format'))) session.out(line);
    return 0;
  },
};

function fieldsOf({ name, location }: Awaited<ReturnType<GsutilSession['buckets']['buckets']>>[number]) {
  return { default_storage_class: 'STANDARD', location: location.toUpperCase(), name, storage_url: `gs://${name}/` };
}

function bucketName(url: string): string {
  const place = parsePlace(url);
  if (place.kind === 'cloud' && place.bucket !== '' && place.path === '') return place.bucket;
  throw new GcloudError(`Invalid value for [url]: ${url} is no bucket: write gs://BUCKET`);
}
