import type { Migration } from '../database.ts';

export const builds: Migration = {
  name: '0006-builds',
  up: [],
};
