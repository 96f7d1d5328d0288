import { Problem } from '../../lib/problem.ts';
import type { BucketStore } from '../../stores/buckets/buckets.ts';

/**
 * The buckets as a build may see them: those of its own project. Every call that names a bucket checks whose it is, so a
 * build can't read another project's source by guessing its name.
 */
export function bucketsOf(project: string, store: BucketStore): BucketStore {
  const own = async (name: string): Promise<void> => {
    const bucket = await store.bucket(name);
    if (bucket === undefined)
      throw new Problem('not-found', `The specified bucket does not exist: gs://${name}`, {
        hint: `Create it in project ${project}: gcloud storage buckets create gs://${name}`,
      });
    if (bucket.project !== project)
      throw new Problem('denied', `bucket gs://${name} belongs to another project; this build runs in ${project}`);
  };
  return {
    bucket: async (name) => {
      const bucket = await store.bucket(name);
      return bucket?.project === project ? bucket : undefined;
    },
    buckets: () => store.buckets(project),
    stat: async (bucket, ...rest) => {
      await own(bucket);
      return store.stat(bucket, ...rest);
    },
    list: async (bucket, filter) => {
      await own(bucket);
      return store.list(bucket, filter);
    },
    open: async (object, range) => {
      await own(object.bucket);
      return store.open(object, range);
    },
    createBucket: (bucket) => store.createBucket({ ...bucket, project }),
    put: async (bucket, ...rest) => {
      await own(bucket);
      return store.put(bucket, ...rest);
    },
    copy: async (source, bucket, ...rest) => {
      await own(source.bucket);
      await own(bucket);
      return store.copy(source, bucket, ...rest);
    },
    compose: async (bucket, ...rest) => {
      await own(bucket);
      return store.compose(bucket, ...rest);
    },
    remove: async (bucket, ...rest) => {
      await own(bucket);
      return store.remove(bucket, ...rest);
    },
    removeBucket: async (name) => {
      await own(name);
      return store.removeBucket(name);
    },
  };
}
