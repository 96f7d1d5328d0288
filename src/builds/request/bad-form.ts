/** A form of bash that cannot be expanded; the message says what is wrong with it. */
export class BadForm extends Error {
  readonly hint: string | undefined;
  /** Whose value it stands in, where that isn't the one being expanded. */
  readonly key: string | undefined;

  constructor(message: string, hint?: string, key?: string) {
    super(message);
    this.hint = hint;
    this.key = key;
  }
}
