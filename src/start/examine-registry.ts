import { digestAlgorithm, digestOf, shortDigest } from '../images/digest.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import { describeBytes, differences, type RecordedManifest } from '../stores/registry/audit.ts';
import type { ManifestDescription } from '../stores/registry/describe.ts';
import type { Examination } from './examine-content.ts';
import { Named } from './named.ts';

const PAGE = 100;

/**
 * Compares the registry's rows with what the manifests' own bytes say, and looks for tags and links that lead nowhere. Rows
 * are written anew from the bytes where they differ; a tag is never changed, because only a person knows what it should mean.
 */
export async function examineRegistry(examination: Examination): Promise<void> {
  await examineManifests(examination);
  await examineTags(examination);
  await examineLinks(examination);
}

async function examineManifests(examination: Examination): Promise<void> {
  const { owner, report, repair, signal } = examination;
  const { registryAudit: audit } = owner;
  let manifests = 0;
  let corrected = 0;
  const wrong = new Named();
  const lost = new Named();
  for (let page = await audit.recorded(0, PAGE); page.length > 0; ) {
    signal.throwIfAborted();
    const findings: { recorded: RecordedManifest; said: ManifestDescription | undefined; parts: string[] }[] = [];
    for (const recorded of page) {
      const said = await descriptionOf(examination, recorded);
      const parts = said === undefined ? [] : differences(recorded, said);
      if (said === undefined || parts.length > 0) findings.push({ recorded, said, parts });
    }
    const present = await audit.present(page.map(({ id }) => id)); // some were forgotten meanwhile
    manifests += present.size;
    for (const { recorded, said, parts } of findings) {
      if (!present.has(recorded.id)) continue;
      if (said === undefined) lost.add(nameOf(recorded));
      else {
        wrong.add(`${nameOf(recorded)} (${parts.join(', ')})`);
        if (repair && (await audit.correct(recorded.id, said))) corrected++;
      }
    }
    page = await audit.recorded(page.at(-1)?.id ?? Number.MAX_SAFE_INTEGER, PAGE);
  }
  const ok = wrong.count === 0;
  report({
    check: 'manifests',
    ok: ok || corrected === wrong.count,
    detail: ok
      ? `${manifests}: what is recorded of each is what its bytes say`
      : `${wrong.count} of ${manifests} are recorded otherwise than their bytes say: ${wrong}`,
    ...(ok
      ? {}
      : repair
        ? { repaired: `${corrected} recorded anew from their bytes` }
        : { remedy: 'Run slipway doctor --repair.' }),
  });
  if (lost.count === 0) return;
  report({
    check: 'manifest bytes',
    ok: false,
    detail: `${lost.count} of ${manifests} manifests are recorded, but their bytes are missing or damaged: ${lost}`,
    remedy: 'Push these images again, or delete them.',
  });
}

/** Undefined when the bytes are not there, or not those of the digest. */
async function descriptionOf(
  { owner }: Examination,
  recorded: RecordedManifest,
): Promise<ManifestDescription | undefined> {
  try {
    const bytes = await owner.stores.content.read(recorded.digest);
    if (digestOf(bytes, digestAlgorithm(recorded.digest)) !== recorded.digest) return undefined;
    return describeBytes(recorded, bytes);
  } catch (error) {
    if (error instanceof Problem || hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function examineTags({ owner, report, signal }: Examination): Promise<void> {
  const dangling = new Named();
  for await (const page of owner.registryAudit.danglingTags()) {
    signal.throwIfAborted();
    for (const { repository, name } of page) dangling.add(`${repository}:${name}`);
  }
  const ok = dangling.count === 0;
  report({
    check: 'tags',
    ok,
    detail: ok
      ? 'each means a manifest that is there'
      : `${dangling.count} mean a manifest that is not there: ${dangling}`,
    ...(ok ? {} : { remedy: 'Push the image under the tag again, bring it back, or remove the tag.' }),
  });
}

async function examineLinks({ owner, report, repair, signal }: Examination): Promise<void> {
  const lacking = new Named();
  let idle = 0;
  for await (const page of owner.registryAudit.looseLinks()) {
    signal.throwIfAborted();
    for (const { repository, digest, named } of page) {
      if (named) lacking.add(`${repository}@${shortDigest(digest)}`);
      else idle++;
    }
  }
  const dropped = repair && idle > 0 ? await owner.registryAudit.dropLooseLinks() : 0;
  if (idle > 0)
    report({
      check: 'links',
      ok: repair,
      detail: `${idle} to blobs that are not stored, and that no manifest names`,
      ...(repair ? { repaired: `${dropped} dropped` } : { remedy: 'Run slipway doctor --repair.' }),
    });
  // these links stay: they are right again as soon as anybody pushes the blob
  const ok = lacking.count === 0;
  report({
    check: 'blobs of images',
    ok,
    detail: ok ? 'all are stored' : `${lacking.count} are not stored: ${lacking}`,
    ...(ok ? {} : { remedy: 'Push these images again, from wherever they are.' }),
  });
}

function nameOf({ repository, digest }: RecordedManifest): string {
  return `${repository}@${shortDigest(digest)}`;
}
