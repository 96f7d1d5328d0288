import type { BucketObject, BucketReader } from '../../stores/buckets/buckets.ts';

const PAGE = 1000;

/** Every object below a prefix, page by page. */
export async function* objectsBelow(
  buckets: BucketReader,
  bucket: string,
  prefix: string,
): AsyncGenerator<BucketObject> {
  let after: string | undefined;
  do {
    const page = await buckets.list(bucket, { prefix, limit: PAGE, after });
    yield* page.objects;
    after = page.next;
  } while (after !== undefined);
}

/** One level: objects and folders (prefixes with their slash). */
export async function listLevel(
  buckets: BucketReader,
  bucket: string,
  prefix: string,
): Promise<{ objects: BucketObject[]; prefixes: string[] }> {
  const objects: BucketObject[] = [];
  const prefixes = new Set<string>();
  let after: string | undefined;
  do {
    const page = await buckets.list(bucket, { prefix, delimiter: '/', limit: PAGE, after });
    objects.push(...page.objects);
    for (const one of page.prefixes) prefixes.add(one);
    after = page.next;
  } while (after !== undefined);
  return { objects, prefixes: [...prefixes] };
}

/** Whether anything lies below `path/`: then gsutil takes the path for a folder. */
export async function isFolder(buckets: BucketReader, bucket: string, path: string): Promise<boolean> {
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;
  return (await buckets.list(bucket, { prefix, limit: 1 })).objects.length > 0;
}
