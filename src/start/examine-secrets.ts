import type { DoctorLine } from '../doors/control/house-wire.ts';
import { Named } from './named.ts';
import type { Owner } from './owner.ts';

/** Whether the key file opens every value: after a restore without it, a build would be the first to tell. */
export async function examineSecrets(owner: Owner, report: (line: DoctorLine) => void): Promise<void> {
  const { values, broken } = await owner.secrets.examine();
  const names = new Named();
  for (const { name, why } of broken) names.add(`${name} (${why})`);
  const ok = broken.length === 0;
  report({
    check: 'secrets',
    ok,
    detail: ok ? `${values}: the key file opens each` : `${broken.length} of ${values} can't be opened: ${names}`,
    ...(ok ? {} : { remedy: `Put ${owner.folder.secretsKey} back from a backup, or add these values anew.` }),
  });
}
