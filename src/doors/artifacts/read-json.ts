import { z } from 'zod';
import { Problem } from '../../lib/problem.ts';

/** Protobuf's JSON: a field that is null is as good as absent. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value): z.output<T> | undefined => value ?? undefined);
}

const text = optional(z.string());
const texts = optional(z.array(z.string()));
/** Numbers may come as text. */
const integer = optional(
  z.union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ]),
);

const cleanupPolicySchema = z.object({
  action: text,
  condition: optional(
    z.object({
      tagState: text,
      tagPrefixes: texts,
      versionNamePrefixes: texts,
      packageNamePrefixes: texts,
      olderThan: text,
      newerThan: text,
    }),
  ),
  mostRecentVersions: optional(z.object({ keepCount: integer, packageNamePrefixes: texts })),
});

const remoteSchema = z.object({
  dockerRepository: optional(z.object({ publicRepository: text, customRepository: optional(z.object({ uri: text })) })),
  commonRepository: optional(z.object({ uri: text })),
  upstreamCredentials: z.unknown().optional(),
});

/** A repository as clients send it. What isn't known here is let pass: gcloud sends back what it was answered. */
export const repositorySchema = z.object({
  format: text,
  mode: text,
  description: text,
  labels: optional(z.record(z.string(), z.string())),
  dockerConfig: optional(z.object({ immutableTags: optional(z.boolean()) })),
  cleanupPolicies: optional(z.record(z.string(), cleanupPolicySchema)),
  cleanupPolicyDryRun: optional(z.boolean()),
  remoteRepositoryConfig: optional(remoteSchema),
  virtualRepositoryConfig: optional(
    z.object({
      upstreamPolicies: optional(z.array(z.object({ id: text, repository: z.string(), priority: integer }))),
    }),
  ),
});

export type SentRepository = z.output<typeof repositorySchema>;
export type SentCleanupPolicy = z.output<typeof cleanupPolicySchema>;
export type SentRemote = z.output<typeof remoteSchema>;

export const tagSchema = z.object({ version: text });

export const policySchema = z.object({
  policy: optional(z.object({ bindings: optional(z.array(z.object({ role: text, members: texts }))) })),
});

/** What a client sent, in the form that it has to have. @throws Problem `invalid`, naming the field */
export function readJson<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.').slice(0, 200);
  throw new Problem('invalid', `Invalid value at ${JSON.stringify(field || 'the body')}: ${issue?.message}`);
}
