import { projectNumber } from '../../builds/project-number.ts';
import type { BuildRecords } from '../../builds/records.ts';

/** The project's id, also when the client names its number; a number that nobody among `having` has stays what it is. */
export async function projectId(text: string, ...having: Pick<BuildRecords, 'projects'>[]): Promise<string> {
  if (!/^\d{12}$/.test(text)) return text;
  for (const rows of having)
    for (const project of await rows.projects()) if (projectNumber(project) === text) return project;
  return text;
}
