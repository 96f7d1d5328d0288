import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import type { CleanupCondition, CleanupPolicy } from '../stores/repositories/repository.ts';
import { durationMs } from './duration.ts';

const texts = z.array(z.string()).optional();
const seconds = z
  .string()
  .refine((text) => /^\d+(?:\.\d+)?(?:s|m|h|d|w)?$/.test(text), 'is no duration, for example 30d or 12h')
  .transform((text) => durationMs(/^[\d.]+$/.test(text) ? `${text}s` : text) / 1000);

/** What `gcloud artifacts repositories set-cleanup-policies --policy` takes. */
const policySchema = z.array(
  z.strictObject({
    name: z.string().min(1),
    action: z.strictObject({ type: z.string().regex(/^(?:delete|keep)$/i, 'is Delete or Keep') }),
    condition: z
      .strictObject({
        tagState: z
          .string()
          .regex(/^(?:tagged|untagged|any)$/i, 'is tagged, untagged or any')
          .optional(),
        tagPrefixes: texts,
        versionNamePrefixes: texts,
        packageNamePrefixes: texts,
        olderThan: seconds.optional(),
        newerThan: seconds.optional(),
      })
      .optional(),
    mostRecentVersions: z.strictObject({ keepCount: z.number().int().min(1), packageNamePrefixes: texts }).optional(),
  }),
);

/**
 * Reads cleanup policies from a file in gcloud's form.
 * @throws Problem `invalid` with the place in the file, `not-found`
 */
export async function readCleanupPolicies(file: string): Promise<CleanupPolicy[]> {
  const parsed = policySchema.safeParse(await readJson(file));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Problem('invalid', `${file}: ${issue?.path.join('.')} ${issue?.message}`, {
      hint: 'The form is that of gcloud artifacts repositories set-cleanup-policies; docs/repositories.md shows it.',
    });
  }
  return parsed.data.map(({ name, action, condition = {}, mostRecentVersions }): CleanupPolicy => {
    const type = action.type.toLowerCase() as 'delete' | 'keep';
    if (mostRecentVersions === undefined) {
      const tagState = condition.tagState?.toLowerCase() as CleanupCondition['tagState'];
      return { id: name, action: type, condition: { ...condition, tagState } };
    }
    if (type === 'delete') throw new Problem('invalid', `${file}: ${name}: mostRecentVersions can only keep`);
    return { id: name, action: 'keep', mostRecent: mostRecentVersions };
  });
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) throw new Problem('not-found', `there is no file ${file}`);
    if (error instanceof SyntaxError) throw new Problem('invalid', `${file} is not JSON: ${error.message}`);
    throw error;
  }
}
