import { Problem } from '../../lib/problem.ts';

/** What a machine type stands for. */
export interface Machine {
  vcpus: number;
  memoryGb: number;
}

/** Gigabytes of memory for each processor, by family and shape (Compute Engine, "machine families"). */
const MEMORY_PER_VCPU: Record<string, Partial<Record<string, number>>> = {
  e2: { standard: 4, highcpu: 1, highmem: 8 },
  n1: { standard: 3.75, highcpu: 0.9, highmem: 6.5 },
  n2: { standard: 4, highcpu: 1, highmem: 8 },
  n2d: { standard: 4, highcpu: 1, highmem: 8 },
  c2: { standard: 4 },
  c2d: { standard: 4, highcpu: 2, highmem: 8 },
  c3: { standard: 4, highcpu: 2, highmem: 8 },
  c3d: { standard: 4, highcpu: 2, highmem: 8 },
  c4: { standard: 3.75, highcpu: 2, highmem: 7.75 },
  n4: { standard: 4, highcpu: 2, highmem: 8 },
  t2d: { standard: 4 },
};

const SHARED_CORE: Record<string, Machine> = {
  'e2-micro': { vcpus: 2, memoryGb: 1 },
  'e2-small': { vcpus: 2, memoryGb: 2 },
  'e2-medium': { vcpus: 2, memoryGb: 4 },
};

/**
 * Processors and memory of `e2-standard-4` and the like; `E2_HIGHCPU_8`, as options.machineType has it, is the same name.
 * @throws Problem `invalid` when there is no such type
 */
export function machineOf(machineType: string): Machine {
  const name = machineType.toLowerCase().replaceAll('_', '-');
  const shared = SHARED_CORE[name];
  if (shared !== undefined) return shared;
  const [, family = '', shape = '', count = ''] =
    /^([a-z]\d[a-z]?)-(standard|highcpu|highmem)-(\d{1,3})$/.exec(name) ?? [];
  const perVcpu = MEMORY_PER_VCPU[family]?.[shape];
  const vcpus = Number(count);
  if (perVcpu === undefined || vcpus < 1)
    throw new Problem('invalid', `there is no machine type ${JSON.stringify(machineType)}`, {
      hint: 'For example e2-medium, e2-standard-4, e2-highcpu-8, n2-highmem-16.',
    });
  return { vcpus, memoryGb: vcpus * perVcpu };
}
