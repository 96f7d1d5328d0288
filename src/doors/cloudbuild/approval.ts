import { z } from 'zod';
import type { Decision } from '../../builds/queue/approve-build.ts';
import { Problem } from '../../lib/problem.ts';

/** ApproveBuildRequest, as far as it decides anything; `name` repeats the path. */
const approvalSchema = z.object({
  approvalResult: z.object({
    decision: z.enum(['APPROVED', 'REJECTED']),
    comment: z.string().max(10_000).optional(),
    url: z.string().max(2000).optional(),
  }),
});

/** @throws Problem `invalid` */
export function readApproval(body: unknown): Decision {
  const read = approvalSchema.safeParse(body);
  if (read.success) return read.data.approvalResult;
  throw new Problem('invalid', 'approval_result.decision must be APPROVED or REJECTED');
}
