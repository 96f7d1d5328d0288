/** One step of the schema, forward only; its statements run in one transaction, in the order of the list. */
export interface Migration {
  name: string;
  up: string[];
}
