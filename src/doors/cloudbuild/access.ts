import { projectNumber } from '../../builds/project-number.ts';
import type { BuildRecords } from '../../builds/records.ts';

/** The project's id, also when the client names its number; a number that nobody has stays what it is. */
export async function projectId(text: string, records: Pick<BuildRecords, 'projects'>): Promise<string> {
  if (!/^\d{12}$/.test(text)) return text;
  return (await records.projects()).find((project) => projectNumber(project) === text) ?? text;
}
