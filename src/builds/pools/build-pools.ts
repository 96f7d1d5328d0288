import { Problem } from '../../lib/problem.ts';
import { type Build, locationOf } from '../build.ts';
import { projectNumber } from '../project-number.ts';
import { machineOf } from './machine-type.ts';
import { formatPoolName, type PoolName, parsePoolName } from './pool-name.ts';
import type { WorkerPoolRows } from './pool-rows.ts';

/** A pool in slipway.yaml (`builds.pools`): it is there for every project, and has one queue for all of them. */
export interface PoolSetting {
  /** Builds at a time. */
  concurrency: number;
  machineType?: string | undefined;
  diskSizeGb?: number | undefined;
}

/** What a pool gives each build of its own; absent is without limit. */
export interface PoolLimits {
  vcpus?: number | undefined;
  memoryGb?: number | undefined;
  diskSizeGb?: number | undefined;
  /** False: steps reach their build and this server, and nothing beyond. */
  publicEgress: boolean;
}

type Placed = Pick<Build, 'options' | 'projectId' | 'name'>;

/** Which pool a build runs in: one of slipway.yaml's, or one that its project has made. */
export class BuildPools {
  readonly #rows: Pick<WorkerPoolRows, 'get'>;
  readonly #settings: Readonly<Record<string, PoolSetting>>;

  constructor(rows: Pick<WorkerPoolRows, 'get'>, settings: Readonly<Record<string, PoolSetting>>) {
    this.#rows = rows;
    this.#settings = settings;
  }

  /**
   * Under which the build waits (queue.ts); empty when it names no pool.
   * @throws Problem `invalid` when it names one that isn't there or isn't its project's
   */
  async keyOf(build: Placed): Promise<string> {
    const name = poolNameOf(build);
    if (name === undefined) return '';
    if (this.#setting(name.id) !== undefined) return name.id;
    refuseElsewhere(name, build);
    const key = { ...name, project: build.projectId };
    if ((await this.#rows.get(key)) === undefined)
      throw new Problem(
        'invalid',
        `invalid value for 'build.options.pool.name': there is no worker pool ${formatPoolName(name)}`,
        {
          hint: `Make it: gcloud builds worker-pools create ${name.id} --region=${name.location}\nor name it under builds.pools in slipway.yaml.`,
        },
      );
    return formatPoolName(key);
  }

  /** What the build may use; undefined when it names no pool. A pool that has gone since has no limits of its own. */
  async limitsOf(build: Placed): Promise<PoolLimits | undefined> {
    const name = poolNameOf(build);
    if (name === undefined) return undefined;
    const own = await this.#rows.get({ ...name, project: build.projectId });
    const { workerConfig, networkConfig } = own?.privatePoolV1Config ?? {};
    const setting = this.#setting(name.id);
    const asked = build.options.pool?.workerConfig;
    const machineType = workerConfig?.machineType || setting?.machineType;
    const machine = machineType === undefined ? undefined : machineOf(machineType);
    return {
      vcpus: asked?.vcpuCount || machine?.vcpus,
      memoryGb: asked?.memoryGb || machine?.memoryGb,
      diskSizeGb: Number(asked?.diskSizeGb ?? workerConfig?.diskSizeGb ?? 0) || setting?.diskSizeGb,
      publicEgress: networkConfig?.egressOption !== 'NO_PUBLIC_EGRESS',
    };
  }

  #setting(id: string): PoolSetting | undefined {
    return Object.hasOwn(this.#settings, id) ? this.#settings[id] : undefined;
  }
}

/** `options.workerPool` is the older spelling. */
function poolNameOf({ options }: Placed): PoolName | undefined {
  const text = options.pool?.name || options.workerPool;
  return text ? parsePoolName(text) : undefined;
}

function refuseElsewhere(name: PoolName, build: Placed): void {
  if (name.project !== build.projectId && name.project !== projectNumber(build.projectId))
    throw new Problem('invalid', `worker pool ${formatPoolName(name)} belongs to another project than the build`, {
      hint: `Name one of ${build.projectId}, or one that slipway.yaml has under builds.pools.`,
    });
  if (name.location !== locationOf(build))
    throw new Problem(
      'invalid',
      `worker pool ${formatPoolName(name)} is in another region than the build, ${locationOf(build)}`,
      { hint: `Submit with --region=${name.location}.` },
    );
}
