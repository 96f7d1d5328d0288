import type { FieldPath } from './field-path.ts';

/** A rule that the build breaks; `message` is the API's text. */
export interface Complaint {
  path: FieldPath;
  message: string;
  hint?: string | undefined;
}
