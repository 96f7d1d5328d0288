import { z } from 'zod';
import { Problem } from '../../lib/problem.ts';
import { formatPath } from '../request/field-path.ts';
import { machineOf } from './machine-type.ts';

const text = z.string();
/** Protobuf's 64-bit numbers are strings in JSON, and numbers are accepted. */
const int64 = z.union([z.string().regex(/^\d+$/, 'expected a whole number'), z.int().min(0).transform(String)]);

const workerConfig = z.strictObject({ machineType: text.optional(), diskSizeGb: int64.optional() });

const privatePoolV1Config = z.strictObject({
  workerConfig: workerConfig.optional(),
  networkConfig: z
    .strictObject({
      peeredNetwork: text.optional(),
      peeredNetworkIpRange: text.optional(),
      egressOption: z.enum(['EGRESS_OPTION_UNSPECIFIED', 'NO_PUBLIC_EGRESS', 'PUBLIC_EGRESS']).optional(),
    })
    .optional(),
  privateServiceConnect: z
    .strictObject({
      networkAttachment: text.optional(),
      publicIpAddressDisabled: z.boolean().optional(),
      routeAllTraffic: z.boolean().optional(),
    })
    .optional(),
});

/** What a client may say of a pool. Fields that only the server sets may come along, as clients send back what they got. */
const requestSchema = z.strictObject({
  displayName: text.max(63).optional(),
  annotations: z.record(text, text).optional(),
  privatePoolV1Config: privatePoolV1Config.optional(),
  name: text.optional(),
  uid: text.optional(),
  state: text.optional(),
  createTime: text.optional(),
  updateTime: text.optional(),
  etag: text.optional(),
});

export type WorkerPoolRequest = Pick<
  z.output<typeof requestSchema>,
  'displayName' | 'annotations' | 'privatePoolV1Config'
>;

/** A group of workers for builds that ask for it, as Cloud Build's API names it (projects.locations.workerPools). */
export interface WorkerPool extends WorkerPoolRequest {
  /** `projects/<number>/locations/<location>/workerPools/<id>`. */
  name: string;
  uid: string;
  createTime: string;
  /** Absent before the first change. */
  updateTime?: string | undefined;
  state: 'RUNNING';
}

const MAX_DISK_GB = 4000;

/** @throws Problem `invalid` for what is no pool, `unsupported` for a machine that nobody has */
export function readWorkerPool(value: unknown): WorkerPoolRequest {
  const result = requestSchema.safeParse(value ?? {});
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = (issue?.path ?? []).filter((part) => typeof part !== 'symbol');
    if (issue?.code === 'unrecognized_keys')
      throw new Problem(
        'invalid',
        `Invalid JSON payload received. Unknown name ${JSON.stringify(issue.keys[0])} at 'worker_pool${formatPath(path)}': Cannot find field.`,
      );
    throw new Problem('invalid', `Invalid value at 'worker_pool${formatPath(path)}': ${issue?.message}`);
  }
  const { displayName, annotations, privatePoolV1Config: config } = result.data;
  const { machineType = '', diskSizeGb = '0' } = config?.workerConfig ?? {};
  if (machineType !== '') machineOf(machineType);
  if (Number(diskSizeGb) > MAX_DISK_GB)
    throw new Problem('invalid', `disk_size_gb of ${diskSizeGb} is more than a worker's ${MAX_DISK_GB}`);
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(config === undefined ? {} : { privatePoolV1Config: config }),
  };
}
